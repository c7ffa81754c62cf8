//! nginx-conf
