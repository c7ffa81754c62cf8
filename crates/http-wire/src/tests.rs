//! What heads and bodies are taken for, as data.

mod chunked;
mod request;
mod target;
