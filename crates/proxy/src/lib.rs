//! The balancer's data path: sockets, event loops, HTTP/1 and TCP.
