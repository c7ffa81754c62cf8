//! What heads and bodies are taken for, as data.

mod chunked;
mod proxy_protocol;
mod request;
mod response;
mod target;
