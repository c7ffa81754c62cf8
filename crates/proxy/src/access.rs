//! `allow` and `deny` of both faces: addresses, and whether they may come in.

use nginx_conf::{Directive, Kind, Param};

use crate::conf::word;
use crate::net::Endpoint;
use crate::network::Network;

/// One line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    whose: Whose,
    allows: bool,
}

#[derive(Debug, Clone, Copy)]
enum Whose {
    All,
    Unix,
    Network(Network),
}

/// What the directives are followed by.
pub(crate) const PARAMS: &[Param] = &[Param::required("address|network|unix:|all", Kind::Text)];

impl Rule {
    /// Reads a line.
    pub(crate) fn read(directive: &Directive, allows: bool) -> Result<Self, String> {
        let whose = match word(directive, 0)? {
            "all" => Whose::All,
            "unix:" => Whose::Unix,
            text => {
                let network = Network::read(text);
                Whose::Network(network.ok_or_else(|| format!("invalid parameter \"{text}\""))?)
            }
        };
        Ok(Self { whose, allows })
    }

    fn fits(&self, client: &Endpoint) -> bool {
        match (self.whose, client) {
            (Whose::All, _) | (Whose::Unix, Endpoint::Unix(_)) => true,
            (Whose::Network(network), Endpoint::Ip(address)) => network.contains(address.ip()),
            (Whose::Unix, Endpoint::Ip(_)) | (Whose::Network(_), Endpoint::Unix(_)) => false,
        }
    }
}

/// Whether a client may come in: the first rule that fits decides, and where none does everybody may.
pub(crate) fn admits(rules: &[Rule], client: &Endpoint) -> bool {
    decision(rules, client).unwrap_or(true)
}

/// What the first rule that fits says; `None` where none does.
pub(crate) fn decision(rules: &[Rule], client: &Endpoint) -> Option<bool> {
    let decides = rules.iter().find(|rule| rule.fits(client));
    decides.map(|rule| rule.allows)
}
