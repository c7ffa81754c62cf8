//! A group that commits ever higher offsets for all partitions of a topic, several commits in flight.

use anyhow::{Result, ensure};

use super::pipe::Pipe;
use crate::client::{Api, Client, Reader, Writer};

const OFFSET_COMMIT: Api = Api { key: 8, version: 2 };
const OFFSET_FETCH: Api = Api { key: 9, version: 1 };

const WINDOW: usize = 5;

/// Errors after which a client asks again: the coordinator is loading, is not available, or is elsewhere.
const RETRIABLE: [i16; 3] = [14, 15, 16];

pub(super) struct Committer {
    group: &'static str,
    topic: &'static str,
    partitions: i32,
    /// The highest offset of which the server said that it is committed.
    acked: i64,
    sent: i64,
}

impl Committer {
    pub(super) fn new(group: &'static str, topic: &'static str, partitions: i32) -> Committer {
        Committer {
            group,
            topic,
            partitions,
            acked: 0,
            sent: 0,
        }
    }

    pub(super) fn acked(&self) -> i64 {
        self.acked
    }

    /// Commits until the server is gone.
    pub(super) fn drive(&mut self, address: &str) -> Result<()> {
        let Ok(mut pipe) = Pipe::connect(address) else {
            return Ok(());
        };
        let mut oldest = self.sent + 1;
        loop {
            while pipe.in_flight() < WINDOW {
                self.sent += 1;
                if pipe.send(OFFSET_COMMIT, &self.request(self.sent)).is_err() {
                    break;
                }
            }
            let Ok(answer) = pipe.receive() else {
                return Ok(());
            };
            let errors = errors(&answer)?;
            if errors.iter().any(|error| RETRIABLE.contains(error)) {
                return Ok(());
            }
            ensure!(
                errors.len() == usize::try_from(self.partitions)?
                    && errors.iter().all(|error| *error == 0),
                "OffsetCommit of {oldest}: errors {errors:?}"
            );
            self.acked = oldest;
            oldest += 1;
        }
    }

    fn request(&self, offset: i64) -> Vec<u8> {
        let mut body = Writer::default();
        // A consumer that assigns partitions itself: no generation, no member id.
        body.string(self.group).i32(-1).string("").i64(-1);
        body.i32(1).string(self.topic).i32(self.partitions);
        for partition in 0..self.partitions {
            body.i32(partition).i64(offset).string("");
        }
        body.bytes
    }

    /// K5: what is committed is not below what was acknowledged, nor above what was sent, and a commit is there
    /// for all partitions or for none.
    pub(super) fn check(&mut self, address: &str) -> Result<()> {
        let offsets = self.fetch(address)?;
        for (partition, offset) in &offsets {
            // No commit at all is answered by -1.
            let committed = (*offset).max(0);
            ensure!(
                (self.acked..=self.sent).contains(&committed),
                "K5: partition {partition} is committed at {offset}; {} was acknowledged, {} sent",
                self.acked,
                self.sent
            );
            ensure!(
                *offset == offsets[0].1,
                "K5: one commit of all partitions was torn: {offsets:?}"
            );
        }
        Ok(())
    }

    fn fetch(&self, address: &str) -> Result<Vec<(i32, i64)>> {
        let mut body = Writer::default();
        body.string(self.group).i32(1).string(self.topic);
        body.i32(self.partitions);
        for partition in 0..self.partitions {
            body.i32(partition);
        }
        let answer = Client::connect(address)?.call(OFFSET_FETCH, &body.bytes)?;
        let mut reader = Reader::new(&answer);
        let topics = reader.array(|reader| {
            reader.string()?;
            reader.array(|reader| {
                let found = (reader.i32()?, reader.i64()?);
                reader.nullable_string()?;
                let error = reader.i16()?;
                ensure!(error == 0, "OffsetFetch: error {error}");
                Ok(found)
            })
        })?;
        let offsets: Vec<_> = topics.into_iter().flatten().collect();
        ensure!(
            offsets.len() == usize::try_from(self.partitions)?,
            "OffsetFetch answered {offsets:?}"
        );
        Ok(offsets)
    }
}

fn errors(answer: &[u8]) -> Result<Vec<i16>> {
    let mut reader = Reader::new(answer);
    let topics = reader.array(|reader| {
        reader.string()?;
        reader.array(|reader| {
            reader.i32()?;
            reader.i16()
        })
    })?;
    Ok(topics.into_iter().flatten().collect())
}
