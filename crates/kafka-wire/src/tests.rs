//! Promises that hold for every message at every version.

mod corpus;
mod differential;
mod hostile;
mod layouts;
mod memory;
mod round_trip;

use std::fmt::Debug;

use bytes::Bytes;

use crate::arbitrary::{Arbitrary, Shape, message};
use crate::message::Message;

/// A check that holds for every message at every version.
trait Check {
    fn check<M: AnyMessage>(&mut self, version: i16);
}

/// What a check may ask of a message.
trait AnyMessage: Message + Arbitrary + Default + Clone + PartialEq + Debug {}

impl<M: Message + Arbitrary + Default + Clone + PartialEq + Debug> AnyMessage for M {}

/// Runs a check for every message at every version.
fn for_every_message(check: &mut impl Check) {
    fn versions<M: AnyMessage>(check: &mut impl Check) {
        for version in M::VERSIONS {
            check.check::<M>(version);
        }
    }
    macro_rules! each {
        ($(($api:ident, $module:ident, $request:ident, $response:ident))*) => {
            $(
                versions::<crate::messages::$module::$request>(check);
                versions::<crate::messages::$module::$response>(check);
            )*
        };
    }
    crate::api::for_each_api!(each);
    versions::<crate::consumer_protocol::ConsumerProtocolSubscription>(check);
    versions::<crate::consumer_protocol::ConsumerProtocolAssignment>(check);
}

/// The bytes of a generated message.
fn sample<M: AnyMessage>(seed: u64, version: i16, shape: Shape) -> Bytes {
    message::<M>(seed, version, shape)
        .encode(version)
        .unwrap()
        .into_bytes()
}
