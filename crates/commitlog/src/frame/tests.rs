use super::{
    BLOCK_HEADER_LEN, BlockBuilder, BlockHeader, Frame, FrameHeader, FrameSeed, Kind, parse_body,
};
use base::{Epoch, Incarnation, ShardId, StreamId};
use bytes::Bytes;

const INCARNATION: Incarnation = Incarnation(99);

fn cell(stream: u64, payload: &'static [u8]) -> Frame {
    Frame {
        kind: Kind::Group,
        shard: ShardId(3),
        epoch: Epoch(7),
        stream: StreamId(stream),
        base_offset: -5,
        payload: Bytes::from_static(payload),
    }
}

fn block(frames: &[Frame]) -> Bytes {
    let mut builder = BlockBuilder::new(INCARNATION, 0);
    for frame in frames {
        builder.push(frame, &[]);
    }
    builder.finish(4, 1234)
}

fn seed() -> FrameSeed {
    FrameSeed::of(INCARNATION)
}

#[test]
fn a_frame_of_another_incarnation_is_not_one_of_ours() {
    let block = block(&[cell(1, b"one")]);
    let frame = &block[BLOCK_HEADER_LEN..];
    assert!(FrameHeader::parse(frame, seed()).is_some());
    assert_eq!(
        FrameHeader::parse(frame, FrameSeed::of(Incarnation(98))),
        None
    );
}

#[test]
fn a_block_reads_back_as_it_was_written() {
    let frames = [cell(1, b"one"), cell(2, b""), cell(3, b"12345678")];
    let block = block(&frames);
    let header = BlockHeader::parse(&block).expect("a sound header");
    assert_eq!(
        (
            header.incarnation,
            header.sequence,
            header.nonce,
            header.frames_count
        ),
        (INCARNATION, 4, 1234, 3)
    );
    assert_eq!(header.body_len, block.len() - BLOCK_HEADER_LEN);
    let body = parse_body(&block.slice(BLOCK_HEADER_LEN..), seed());
    assert!(body.damaged.is_empty());
    assert_eq!(
        body.frames
            .into_iter()
            .map(|(_, frame)| frame)
            .collect::<Vec<_>>(),
        frames
    );
}

#[test]
fn every_flipped_bit_is_noticed_and_costs_one_frame_at_most() {
    let frames = [cell(1, b"one"), cell(2, b"two"), cell(3, b"three")];
    let block = block(&frames);
    for bit in 0..block.len() * 8 {
        let mut damaged = block.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let damaged = Bytes::from(damaged);
        if bit / 8 < BLOCK_HEADER_LEN {
            assert!(
                BlockHeader::parse(&damaged).is_none() || bit / 8 < 8,
                "bit {bit}"
            );
            continue;
        }
        let survivors: Vec<_> = parse_body(&damaged.slice(BLOCK_HEADER_LEN..), seed())
            .frames
            .into_iter()
            .map(|(_, f)| f)
            .collect();
        assert!(survivors.len() >= 2, "bit {bit}");
        assert!(
            survivors.iter().all(|frame| frames.contains(frame)),
            "bit {bit}"
        );
    }
}
