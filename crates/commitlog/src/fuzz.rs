//! What the fuzzers under `fuzz/` do with the log's own formats. `cargo test` replays their corpus
//! through the same functions.
//!
//! No input makes a decoder panic. A function here panics only where a promise is broken: what was
//! read can be written, and reads back as the same. Each input is taken as it is and once more with
//! checksums that fit, because damage hardly ever gets past them.

use base::Unpacker;
use bytes::Bytes;

use crate::cell::Cell;
use crate::checkpoint::Checkpoint;
use crate::commit::{Settle, pack_places, unpack_deposit};
use crate::cursor::Cursor;
use crate::file_index::{entries_of, fuzz_index, pack, unpack_page};
use crate::frame::{ALIGNMENT, BLOCK_HEADER_LEN, FRAME_HEADER_LEN, Kind};
use crate::index::Entry;
use crate::wal::{FILE_HEADER_LEN, Tail, scan};

/// Any number: the file that the input stands for.
const FILE: u64 = 1;

/// Takes the input for a WAL file, as the last one and as one before it: blocks, frames and cells.
///
/// # Panics
/// Where what is found lies outside the file, or a cell does not read back.
pub fn wal_file(input: &[u8]) {
    let mut sealed = input.to_vec();
    seal_wal(&mut sealed);
    for file in [Bytes::copy_from_slice(input), sealed.into()] {
        check_wal(&file, Tail::MayBeTorn);
        check_wal(&file, Tail::WasWhole);
    }
}

fn check_wal(file: &Bytes, tail: Tail) {
    let Ok(found) = scan(file, tail) else {
        return;
    };
    assert!(found.end as usize <= file.len(), "it ends inside the file");
    for (position, frame) in &found.frames {
        let start = *position as usize;
        assert_eq!(
            file.get(start..start + frame.payload.len()),
            Some(&frame.payload[..])
        );
        if frame.kind.is_cell()
            && let Ok(cell) = Cell::unpack(frame.kind, &frame.payload)
        {
            assert_eq!(Cell::unpack(frame.kind, &cell.pack()), Ok(cell));
        }
        if frame.kind == Kind::Settle
            && let Ok(settle) = Settle::unpack(frame.stream, &frame.payload)
        {
            check_settle(&settle);
        }
        if frame.kind == Kind::Deposit
            && let Ok((len, places)) = unpack_deposit(&frame.payload)
        {
            let trailer = pack_places(places.into_iter());
            assert_eq!(frame.payload.get(len..), Some(&trailer[..]));
        }
    }
    let (index, _) = pack(FILE, &entries_of(FILE, &found.frames));
    assert!(fuzz_index(FILE, &index), "an index of what is found reads");
}

/// A settlement reads back, and applying it twice is applying it once.
fn check_settle(settle: &Settle) {
    let stream = settle.stream;
    assert_eq!(Settle::unpack(stream, &settle.pack()).as_ref(), Ok(settle));
    let mut cursor = Cursor::default();
    settle.apply(&mut cursor);
    let once = cursor.clone();
    settle.apply(&mut cursor);
    assert_eq!(cursor, once);
}

/// Writes checksums that fit into the file's header, its blocks and their frames, as far as the
/// declared lengths can be followed.
fn seal_wal(file: &mut [u8]) {
    let Some((header, mut rest)) = file.split_at_mut_checked(FILE_HEADER_LEN as usize) else {
        return;
    };
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header[..12]), &header[16..]);
    put(header, 12, crc);
    let seed = crc32c::crc32c(&header[16..32]);
    while let Some(body_len) = length_at(rest, 40) {
        let Some((block, after)) = rest.split_at_mut_checked(BLOCK_HEADER_LEN + body_len) else {
            return;
        };
        let (header, body) = block.split_at_mut(BLOCK_HEADER_LEN);
        let digest = seal_frames(body, seed);
        put(header, 48, digest);
        let crc = crc32c::crc32c(&header[8..]);
        put(header, 4, crc);
        rest = after;
    }
}

/// Seals the frames of a block and returns the block's digest.
fn seal_frames(body: &mut [u8], seed: u32) -> u32 {
    let (mut rest, mut digest) = (body, 0);
    while let Some(payload_len) = length_at(rest, 12) {
        let len = FRAME_HEADER_LEN + payload_len;
        let Some(frame) = rest.get_mut(..len) else {
            break;
        };
        let crc = crc32c::crc32c(&frame[FRAME_HEADER_LEN..]);
        put(frame, 8, crc);
        let crc = crc32c::crc32c_append(seed, &frame[8..FRAME_HEADER_LEN]);
        put(frame, 4, crc);
        digest = crc32c::crc32c_append(digest, &frame[4..8]);
        let padded = len.next_multiple_of(ALIGNMENT).min(rest.len());
        rest = &mut rest[padded..];
    }
    digest
}

/// The length at `at` of a header; `None` where the bytes end before a frame's header does.
fn length_at(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(..FRAME_HEADER_LEN)?;
    let length = bytes.get(at..at + 4)?.first_chunk()?;
    Some(u32::from_le_bytes(*length) as usize)
}

fn put(bytes: &mut [u8], at: usize, value: u32) {
    bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// Takes the input for a checkpoint.
///
/// # Panics
/// Where a checkpoint does not read back.
pub fn checkpoint(input: &[u8]) {
    for object in [Bytes::copy_from_slice(input), seal(input)] {
        if let Ok(checkpoint) = Checkpoint::unpack(object) {
            assert_eq!(Checkpoint::unpack(checkpoint.pack()), Ok(checkpoint));
        }
    }
}

/// Takes the input for the index of a WAL file: its directory, and every page that this lists. What
/// follows the first four bytes, the magic, has the form of a page and is taken for one as well.
///
/// # Panics
/// Where an entry's last offset cannot be followed by another.
pub fn file_index(input: &[u8]) {
    for object in [Bytes::copy_from_slice(input), seal(input)] {
        fuzz_index(FILE, &object);
        if let Some(page) = object.get(4..)
            && let Ok(entries) = unpack_page(object.slice_ref(page))
        {
            let followed = |entry: &Entry| entry.last_offset().checked_add(1).is_some();
            assert!(entries.iter().all(followed));
        }
    }
}

/// The object with a checksum that fits the byte string behind it. The pages of an index stay as
/// they are.
fn seal(object: &[u8]) -> Bytes {
    let mut sealed = object.to_vec();
    let mut input = Unpacker::new(Bytes::copy_from_slice(object));
    if let Ok(body) = input
        .u32()
        .and_then(|_| input.u32())
        .and_then(|_| input.bytes())
    {
        put(&mut sealed, 4, crc32c::crc32c(&body));
    }
    sealed.into()
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;
    use super::{checkpoint, file_index, seal, seal_wal, wal_file};

    #[test]
    fn wal_files() {
        replay("wal_file", 17, wal_file);
    }

    #[test]
    fn checkpoints() {
        replay("checkpoint", 9, checkpoint);
    }

    #[test]
    fn file_indexes() {
        replay("file_index", 9, file_index);
    }

    #[test]
    fn sealing_changes_nothing_that_is_whole() {
        let wal = include_bytes!("../tests/fixtures/format-2/wal/00000000000000000001.wal");
        let mut sealed = wal.to_vec();
        // Some checksum of the header, of the first block and of its first frame.
        for at in [12, 64 + 4, 64 + 48, 128 + 4, 128 + 8] {
            sealed[at] ^= 1;
        }
        seal_wal(&mut sealed);
        assert_eq!(sealed, wal);
        let checkpoint = include_bytes!("../tests/fixtures/format-2/checkpoint/0000000001");
        let mut sealed = checkpoint.to_vec();
        sealed[4] ^= 1;
        assert_eq!(seal(&sealed)[..], checkpoint[..]);
    }
}
