//! `$proxy_protocol_…`: what the PROXY header of a client's connection said, for both faces. Without one they have no value.

use std::io::Write;

use http_wire::proxy_protocol::{Endpoints, TlvName};

use crate::net::Said;

/// One of the variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable {
    /// `$proxy_protocol_addr`
    Source,
    /// `$proxy_protocol_port`
    SourcePort,
    /// `$proxy_protocol_server_addr`
    Destination,
    /// `$proxy_protocol_server_port`
    DestinationPort,
    /// `$proxy_protocol_tlv_NAME`
    Tlv(TlvName),
}

/// The variable of that name.
pub(crate) fn variable(name: &str) -> Option<Variable> {
    Some(match name.strip_prefix("proxy_protocol_")? {
        "addr" => Variable::Source,
        "port" => Variable::SourcePort,
        "server_addr" => Variable::Destination,
        "server_port" => Variable::DestinationPort,
        rest => Variable::Tlv(TlvName::parse(rest.strip_prefix("tlv_")?)?),
    })
}

impl Variable {
    /// Appends the value; `false` where there is none.
    pub(crate) fn append(self, said: Option<&Said>, out: &mut Vec<u8>) -> bool {
        let Some(said) = said else {
            return false;
        };
        let endpoints: Option<Endpoints> = said.endpoints;
        let ends = endpoints.map(|ends| (ends.source, ends.destination));
        let written = match (self, ends) {
            (Self::Tlv(name), _) => return name.write(&said.tlvs, out),
            (_, None) => return false,
            (Self::Source, Some((source, _))) => write!(out, "{}", source.ip()),
            (Self::SourcePort, Some((source, _))) => write!(out, "{}", source.port()),
            (Self::Destination, Some((_, destination))) => write!(out, "{}", destination.ip()),
            (Self::DestinationPort, Some((_, destination))) => {
                write!(out, "{}", destination.port())
            }
        };
        // Writing to a vector does not fail.
        written.is_ok()
    }
}
