//! Pages that are generated from JSON say what the JSON says, and every failure has a reason.

use anyhow::Result;

use super::Finding;
use crate::docs;

pub(super) fn check() -> Result<Vec<Finding>> {
    docs::findings()
}
