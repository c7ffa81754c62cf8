//! Words with variables: parsed once when the configuration is read, rendered for each request.
//!
//! Both faces (HTTP and TCP) have variables of their own, so everything here is generic over the face's `V`.
//! A [`Template`] never fails to render: what a variable does not have is empty, as in nginx.

mod computed;
mod geo;
mod map;
mod regex;
mod split;
mod template;
mod variables;

pub(crate) use computed::{Computed, ReadComputed, define};
pub(crate) use geo::Geo;
pub(crate) use map::Map;
pub(crate) use regex::{Captures, Regex};
pub(crate) use split::Split;
pub(crate) use template::{Part, Template};
pub(crate) use variables::{Definition, Registry, Scope, Slots, UserId};
