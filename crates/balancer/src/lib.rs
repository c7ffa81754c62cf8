//! Upstream groups: which server serves next, what counts as its failure, and what may be sent again.
