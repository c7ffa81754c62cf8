//! What heads and bodies are taken for, as data.

mod chunked;
mod corpus;
mod memory;
mod proxy_protocol;
mod request;
mod response;
mod target;
