//! The driver's part for stream queues: which mail is theirs, and what becomes of what they want.

use super::super::io::HostMail;
use super::Driver;
use crate::mail::{QueueId, Request, SessionId};
use crate::streams::{Event, Lent, Streams};
use commitlog::Closed;

impl Driver {
    /// Calls the stream queues, and sends what they have to say.
    pub(super) fn with_streams<T>(
        &mut self,
        call: impl FnOnce(&mut Streams, &mut Lent<'_>) -> T,
    ) -> T {
        let mut notices = Vec::new();
        let mut lent = Lent {
            sessions: self.parts.machine.sessions_mut(),
            notices: &mut notices,
        };
        let outcome = call(&mut self.streams, &mut lent);
        for (session, notice) in notices {
            self.notify(session, notice);
        }
        outcome
    }

    fn is_stream(&self, queue: QueueId) -> bool {
        !self.parts.machine.is_open(queue) && self.streams.has(queue)
    }

    /// Takes a request that is for stream queues; returns what of it is for other queues.
    pub(super) fn stream_request(
        &mut self,
        session: SessionId,
        request: Request,
    ) -> Option<Request> {
        match &request {
            Request::Publish {
                ticket,
                targets,
                run,
            } => {
                if !targets.iter().any(|queue| self.is_stream(*queue)) {
                    return Some(request);
                }
                let each = targets.iter().copied();
                let (streams, others): (Vec<_>, Vec<_>) =
                    each.partition(|queue| self.is_stream(*queue));
                let elsewhere = !others.is_empty();
                self.streams
                    .publish(session, *ticket, &streams, run, elsewhere);
                elsewhere.then(|| Request::Publish {
                    ticket: *ticket,
                    targets: others,
                    run: run.clone(),
                })
            }
            Request::Leave => {
                self.with_streams(|streams, lent| streams.leave(session, lent));
                Some(request)
            }
            Request::Written { .. } => Some(request),
            Request::Consume(consume) => self.stream_request_of(consume.queue, session, request),
            Request::Share { queue, .. }
            | Request::Grant { queue, .. }
            | Request::Cancel { queue, .. }
            | Request::Get { queue, .. }
            | Request::Settle { queue, .. }
            | Request::Inspect { queue, .. }
            | Request::Purge { queue, .. }
            | Request::Delete { queue, .. } => self.stream_request_of(*queue, session, request),
        }
    }

    fn stream_request_of(
        &mut self,
        queue: QueueId,
        session: SessionId,
        request: Request,
    ) -> Option<Request> {
        if !self.is_stream(queue) {
            return Some(request);
        }
        self.with_streams(|streams, lent| streams.request(session, request, lent));
        None
    }

    /// Takes a letter that is for stream queues, or that has to wait for one that is; the machine gets it when
    /// it has been appended there.
    pub(super) fn stream_letter(&mut self, letter: HostMail) -> Option<HostMail> {
        let HostMail::Letters {
            from,
            ordinal,
            previous,
            targets,
            run,
        } = letter
        else {
            return Some(letter);
        };
        let (streams, others): (Vec<_>, Vec<_>) = if self.parts.machine.has_taken(from, ordinal) {
            (Vec::new(), targets)
        } else {
            targets
                .into_iter()
                .partition(|queue| self.is_stream(*queue))
        };
        let letter = HostMail::Letters {
            from,
            ordinal,
            previous,
            targets: others,
            run: run.clone(),
        };
        if streams.is_empty() && !self.streams.has_letters() {
            return Some(letter);
        }
        self.streams.post(streams, &run, letter);
        None
    }

    pub(super) async fn stream_event(&mut self, event: Event) -> Result<(), Closed> {
        match event {
            Event::Posted { letter, outcome } => {
                outcome?;
                self.take_letter(letter).await
            }
            event => self.with_streams(|streams, lent| streams.handle(event, lent)),
        }
    }
}
