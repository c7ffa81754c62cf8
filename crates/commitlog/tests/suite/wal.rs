//! The trait `Wal` by itself.

use crate::backend::{Backend, check};
use base::Incarnation;
use bytes::Bytes;
use commitlog::{Address, Wal, WalError};
use futures_util::FutureExt;
use std::sync::Arc;

fn open(backend: &dyn Backend, incarnation: u128) -> Arc<dyn Wal> {
    backend.open(Incarnation(incarnation), 1000).0
}

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("work in place never waits")
}

fn append(wal: &dyn Wal, byte: u8, len: usize) -> Result<Address, WalError> {
    now(wal.append(Bytes::from(vec![byte; len])))
}

#[test]
fn blocks_are_read_where_the_wal_says_that_they_are() {
    check(|backend| {
        let wal = open(backend, 1);
        assert!(wal.in_flight_max() >= 1);
        assert_eq!(now(wal.files()).expect("listed"), [] as [u64; 0]);
        let mut blocks = Vec::new();
        for (byte, len) in [(1, 400), (2, 400), (3, 400), (4, 3000), (5, 8)] {
            blocks.push((append(&*wal, byte, len).expect("written"), byte, len));
        }
        assert!(blocks.is_sorted(), "addresses ascend: {blocks:?}");
        let files: Vec<u64> = blocks.iter().map(|(at, ..)| at.file).collect();
        assert_eq!(
            files,
            [1, 1, 2, 3, 4],
            "a file ends before it grows too long"
        );
        let check_all = |wal: &dyn Wal| {
            for (at, byte, len) in &blocks {
                let read = now(wal.read(*at, *len)).expect("readable");
                assert_eq!(read, vec![*byte; *len]);
            }
        };
        check_all(&*wal);
        assert_eq!(wal.roll(), 5);
        assert_eq!(append(&*wal, 6, 8).expect("written").file, 5);
        assert_eq!(now(wal.files()).expect("listed"), [1, 2, 3, 4, 5]);
        assert!(wal.free_bytes().expect("a number") > 0);
        drop(wal);

        let wal = open(backend, 2);
        check_all(&*wal);
        let at = append(&*wal, 7, 8).expect("written");
        assert_eq!(at.file, 6, "a new incarnation has files of its own");
        now(wal.remove(2)).expect("removed");
        assert_eq!(now(wal.files()).expect("listed"), [1, 3, 4, 5, 6]);
        let error = now(wal.read(blocks[2].0, 8)).expect_err("gone");
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        let (first, byte, _) = blocks[0];
        now(wal.cut(1, first.position + 100)).expect("cut");
        let left = now(wal.read(first, 1000)).expect("readable");
        assert_eq!(left, vec![byte; 100]);
        now(wal.settle(first, Bytes::from(vec![9; 100]))).expect("settled");
        assert_eq!(now(wal.read(first, 1000)).expect("readable"), vec![9; 100]);
    });
}

#[test]
fn a_file_without_a_block_gives_its_number_back() {
    check(|backend| {
        let wal = open(backend, 1);
        append(&*wal, 1, 8).expect("written");
        drop(wal);
        let wal = open(backend, 2);
        now(wal.cut(1, 0)).expect("nothing of it is sound");
        assert_eq!(now(wal.files()).expect("listed"), [] as [u64; 0]);
        let at = append(&*wal, 2, 8).expect("written");
        assert_eq!(at.file, 1);
        assert_eq!(now(wal.read(at, 8)).expect("readable"), vec![2; 8]);
    });
}
