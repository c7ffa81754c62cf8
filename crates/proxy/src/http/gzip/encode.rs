//! One body on its way into gzip's format (RFC 1952).

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// What is compressed at once, and what of it may wait to be sent: one piece is sent before the next is begun.
const PIECE: usize = 32 << 10;
/// Compressed, a piece that cannot be made smaller takes a little more than it had.
const PACKED: usize = PIECE + (1 << 10);

/// Deflate, without name or time, written on a Unix.
const HEAD: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// The state. It takes some 300 KiB, so it is used again.
pub(crate) struct Encoder {
    deflate: Compress,
    level: u32,
    sum: Crc,
    /// What waits to be sent.
    packed: Vec<u8>,
    /// How much of that is gone.
    sent: usize,
    /// Bytes were taken in that may not have come out yet.
    holds: bool,
    ended: bool,
}

impl Encoder {
    /// An encoder of that level, 1 to 9.
    pub(super) fn new(level: u32) -> Self {
        let mut encoder = Self {
            deflate: Compress::new(Compression::new(level), false),
            level,
            sum: Crc::new(),
            packed: Vec::with_capacity(PACKED),
            sent: 0,
            holds: false,
            ended: false,
        };
        encoder.begin();
        encoder
    }

    /// Starts over.
    pub(super) fn begin(&mut self) {
        self.deflate.reset();
        self.sum.reset();
        self.packed.clear();
        self.packed.extend_from_slice(HEAD);
        self.sent = 0;
        self.holds = false;
        self.ended = false;
    }

    pub(super) fn level(&self) -> u32 {
        self.level
    }

    /// What waits to be sent.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.packed[self.sent..]
    }

    /// Takes note of what was sent of it.
    pub(crate) fn sent(&mut self, count: usize) {
        self.sent += count;
        if self.sent >= self.packed.len() {
            self.packed.clear();
            self.sent = 0;
        }
    }

    /// Takes some of `data` in; gives back how much. Nothing may wait.
    pub(crate) fn take(&mut self, data: &[u8]) -> usize {
        let data = &data[..data.len().min(PIECE)];
        let before = self.deflate.total_in();
        self.run(data, FlushCompress::None);
        let taken = usize::try_from(self.deflate.total_in() - before).unwrap_or(data.len());
        self.sum.update(&data[..taken]);
        self.holds = true;
        taken
    }

    /// Lets out everything that was taken in; `true` once nothing is held back. What comes out is to be sent before the next
    /// call.
    pub(crate) fn let_out(&mut self) -> bool {
        if self.holds {
            self.run(b"", FlushCompress::Sync);
            // A buffer that is full may have left something behind.
            self.holds = self.packed.len() == self.packed.capacity();
        }
        !self.holds
    }

    /// Ends the body; `true` once that is done. What comes out is to be sent before the next call.
    pub(crate) fn end(&mut self) -> bool {
        if self.ended {
            return true;
        }
        if self.run(b"", FlushCompress::Finish) == Some(Status::StreamEnd) {
            self.ended = true;
            self.packed.extend_from_slice(&self.sum.sum().to_le_bytes());
            self.packed
                .extend_from_slice(&self.sum.amount().to_le_bytes());
        }
        self.ended
    }

    /// How many bytes one that came out stood for (`$gzip_ratio`), in hundredths.
    pub(crate) fn ratio(&self) -> Option<u64> {
        let (taken, out) = (self.deflate.total_in(), self.deflate.total_out());
        (taken > 0 && out > 0).then(|| taken * 100 / out)
    }

    fn run(&mut self, data: &[u8], flush: FlushCompress) -> Option<Status> {
        // It fails only where it is used out of order, which the states here exclude; the body ends short then.
        self.deflate
            .compress_vec(data, &mut self.packed, flush)
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::Encoder;

    fn pack(encoder: &mut Encoder, data: &[u8], flushes: bool) -> Vec<u8> {
        let mut out = Vec::new();
        let mut drain = |encoder: &mut Encoder| {
            out.extend_from_slice(encoder.waiting());
            encoder.sent(encoder.waiting().len());
        };
        let mut left = data;
        while !left.is_empty() {
            drain(encoder);
            let taken = encoder.take(left);
            left = &left[taken..];
            while flushes && !encoder.let_out() {
                drain(encoder);
            }
        }
        drain(encoder);
        while !encoder.end() {
            drain(encoder);
        }
        drain(encoder);
        out
    }

    #[test]
    fn what_is_packed_can_be_unpacked() {
        let mut encoder = Encoder::new(1);
        let mut state = 1_u64;
        let noise: Vec<u8> = (0..300_000)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                u8::try_from(state >> 56).unwrap()
            })
            .collect();
        for data in [&b""[..], b"x", &b"ab".repeat(100_000), &noise] {
            for flushes in [false, true] {
                encoder.begin();
                let packed = pack(&mut encoder, data, flushes);
                let mut unpacked = Vec::new();
                let mut reader = flate2::read::GzDecoder::new(&packed[..]);
                reader.read_to_end(&mut unpacked).unwrap();
                assert!(unpacked == data, "{} bytes", data.len());
            }
        }
        encoder.begin();
        assert!(pack(&mut encoder, &b"ab".repeat(100_000), false).len() < 2000);
    }
}
