//! Field tables: names and values of many types (specification section 4.2.5, RabbitMQ's errata).
//!
//! | type | octet | value |
//! | --- | --- | --- |
//! | boolean | `t` | one octet |
//! | signed integers | `b` `s` `I` `l` (and `L`) | 8, 16, 32, 64 bits |
//! | unsigned integers | `B` `u` `i` | 8, 16, 32 bits |
//! | floating point | `f` `d` | 32, 64 bits |
//! | decimal | `D` | a scale of one octet, 32 bits |
//! | long string, bytes | `S` `x` | four octets of length, bytes |
//! | array, table | `A` `F` | four octets of length, values or names and values |
//! | timestamp | `T` | 64 bits of seconds since 1970 |
//! | void | `V` | nothing |
//!
//! `s` is RabbitMQ's signed 16-bit integer, not the specification's short string, and `L` is signed like `l`.
//!
//! [`RawTable`] borrows and is read as one goes; [`Table`] owns and can be changed.

mod raw;
mod value;

pub use raw::{NESTING_MAX, RawArray, RawTable, RawValue};
pub use value::{TABLE_MEMORY_FACTOR, TABLE_MEMORY_FLOOR, Table, Value};

#[cfg(test)]
mod tests;
