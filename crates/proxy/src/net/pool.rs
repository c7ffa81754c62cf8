//! Buffers that are used again: each thread keeps some of a few sizes.
//!
//! A [`Buffer`] is an empty `Vec<u8>` of at least the capacity that was asked for; dropped, it goes back to the thread that
//! drops it. In the steady state taking one allocates nothing. What is kept is bounded ([`KEPT_MAX`]); above that, and for
//! capacities beyond the largest size, memory comes from and goes to the allocator.
//!
//! A buffer that is full stays full: readers fill spare capacity only ([`Transport::try_read`](super::Transport::try_read)).

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// The capacities that are kept. 4 and 8 KiB are nginx's usual buffers, 16 KiB is a TLS record, 64 KiB a copy's.
const SIZES: [usize; 6] = [1 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10];

/// Bytes kept per size and thread. 2 MiB serve 256 busy connections with 8 KiB each; all sizes together stay below 12 MiB.
const KEPT_MAX: usize = 2 << 20;

thread_local! {
    static FREE: RefCell<[Vec<Vec<u8>>; SIZES.len()]> = const { RefCell::new([const { Vec::new() }; SIZES.len()]) };
}

/// A buffer of the pool. `Buffer::default()` holds no memory.
#[derive(Debug, Default)]
pub(crate) struct Buffer(Vec<u8>);

impl Buffer {
    /// An empty buffer of at least `capacity` bytes.
    pub(crate) fn new(capacity: usize) -> Self {
        Self(take(capacity))
    }

    /// Gives the memory back now and stays empty.
    pub(crate) fn release(&mut self) {
        give(std::mem::take(&mut self.0));
    }

    /// Makes room for `capacity` bytes in all, keeping what is there; memory that becomes too small goes back.
    pub(crate) fn grow(&mut self, capacity: usize) {
        if capacity > self.0.capacity() {
            let mut larger = take(capacity);
            larger.extend_from_slice(&self.0);
            give(std::mem::replace(&mut self.0, larger));
        }
    }

    /// Drops the first `count` bytes by moving the rest to the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.0.drain(..count.min(self.0.len()));
    }

    /// How many bytes may be added without growing.
    pub(crate) fn spare(&self) -> usize {
        self.0.capacity() - self.0.len()
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.release();
    }
}

/// An empty vector of at least `capacity` bytes; [`give`] takes it back.
pub(crate) fn take(capacity: usize) -> Vec<u8> {
    if capacity == 0 {
        return Vec::new();
    }
    let Some(class) = SIZES.iter().position(|size| *size >= capacity) else {
        return Vec::with_capacity(capacity);
    };
    FREE.with_borrow_mut(|free| free[class].pop())
        .unwrap_or_else(|| Vec::with_capacity(SIZES[class]))
}

/// Keeps a vector for the next [`take`], or frees it.
pub(crate) fn give(mut buffer: Vec<u8>) {
    // A vector that has grown by itself lies between two sizes and serves the smaller one.
    let Some(class) = SIZES.iter().rposition(|size| *size <= buffer.capacity()) else {
        return;
    };
    if buffer.capacity() > SIZES[SIZES.len() - 1] {
        return;
    }
    buffer.clear();
    // The pool is gone where a thread ends with buffers in use.
    let _ = FREE.try_with(|free| {
        let free = &mut free.borrow_mut()[class];
        if free.len() < KEPT_MAX / SIZES[class] {
            free.push(buffer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again() {
        let first = Buffer::new(5000);
        assert_eq!(first.capacity(), 8 << 10);
        drop(first);
        drop(Buffer::new(3000));
        let made = allocation_counter::measure(|| {
            let mut buffer = Buffer::new(8192);
            buffer.extend_from_slice(&[1; 8192]);
            let mut small = Buffer::new(1025);
            assert!(buffer.spare() == 0 && small.is_empty());
            small.release();
        });
        assert_eq!(made.count_total, 0);
        assert!(Buffer::new(8192).is_empty());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let many: Vec<_> = (0..100).map(|_| Buffer::new(64 << 10)).collect();
        drop(many);
        FREE.with_borrow(|free| assert_eq!(free[5].len(), 32));
        drop(Buffer::new(1 << 20));
        FREE.with_borrow(|free| assert_eq!(free[5].len(), 32));
    }

    #[test]
    fn growing_keeps_what_is_there() {
        let mut buffer = Buffer::new(1000);
        buffer.extend_from_slice(b"abcdef");
        buffer.grow(9000);
        buffer.consume(2);
        assert_eq!((&buffer[..], buffer.capacity()), (&b"cdef"[..], 16 << 10));
        buffer.consume(100);
        assert!(buffer.is_empty());
        assert_eq!(Buffer::default().capacity(), 0);
    }
}
