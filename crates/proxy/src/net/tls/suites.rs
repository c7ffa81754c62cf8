//! Protocols, cipher suites and groups: what a configuration may choose of those that rustls has, and their names.

use std::sync::{Arc, LazyLock};

use rustls::crypto::{CryptoProvider, ring};
use rustls::{
    CipherSuite, NamedGroup, ProtocolVersion, SupportedCipherSuite, SupportedProtocolVersion,
};

/// The protocols that `ssl_protocols` may name and rustls has; older ones are not offered, whatever is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl Protocol {
    /// Of the words of `ssl_protocols` and its like. Versions that rustls does not have may be named, as old configurations do,
    /// beside one that it has.
    ///
    /// # Errors
    ///
    /// The word that is no protocol, or that none of them is spoken.
    pub(crate) fn list<'w>(words: impl Iterator<Item = &'w str>) -> Result<Vec<Self>, String> {
        let mut protocols = Vec::new();
        for word in words {
            match word {
                "TLSv1.2" => protocols.push(Self::Tls12),
                "TLSv1.3" => protocols.push(Self::Tls13),
                "SSLv2" | "SSLv3" | "TLSv1" | "TLSv1.1" => {}
                other => return Err(format!("invalid value \"{other}\"")),
            }
        }
        if protocols.is_empty() {
            return Err("only TLSv1.2 and TLSv1.3 are spoken".to_owned());
        }
        Ok(protocols)
    }
}

/// What both sides of a handshake may choose from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choice {
    /// None means both.
    pub(crate) protocols: Vec<Protocol>,
    /// OpenSSL's list of ciphers; it says nothing of TLS 1.3, as there. None means all.
    pub(crate) ciphers: Option<String>,
    /// OpenSSL's list of groups (`X25519:prime256v1`); none, or `auto`, means all.
    pub(crate) groups: Option<String>,
}

/// A cipher suite of TLS 1.2: its name at OpenSSL, and the words by which a list of ciphers may mean it, but the common ones.
struct Suite {
    id: CipherSuite,
    name: &'static str,
    words: &'static [&'static str],
}

/// Words that mean every suite of TLS 1.2 here: all are strong, ephemeral and authenticated.
const COMMON: [&str; 10] = [
    "ALL",
    "DEFAULT",
    "HIGH",
    "ECDH",
    "EECDH",
    "ECDHE",
    "kEECDH",
    "kECDHE",
    "TLSv1.2",
    // What Fedora's nginx.conf says: the system's own choice.
    "PROFILE=SYSTEM",
];

const SUITES: [Suite; 6] = [
    Suite {
        id: CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        name: "ECDHE-ECDSA-AES128-GCM-SHA256",
        words: &["aECDSA", "ECDSA", "AES", "AES128", "AESGCM", "SHA256"],
    },
    Suite {
        id: CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        name: "ECDHE-ECDSA-AES256-GCM-SHA384",
        words: &["aECDSA", "ECDSA", "AES", "AES256", "AESGCM", "SHA384"],
    },
    Suite {
        id: CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        name: "ECDHE-ECDSA-CHACHA20-POLY1305",
        words: &["aECDSA", "ECDSA", "CHACHA20", "SHA256"],
    },
    Suite {
        id: CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        name: "ECDHE-RSA-AES128-GCM-SHA256",
        words: &["aRSA", "RSA", "AES", "AES128", "AESGCM", "SHA256"],
    },
    Suite {
        id: CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        name: "ECDHE-RSA-AES256-GCM-SHA384",
        words: &["aRSA", "RSA", "AES", "AES256", "AESGCM", "SHA384"],
    },
    Suite {
        id: CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        name: "ECDHE-RSA-CHACHA20-POLY1305",
        words: &["aRSA", "RSA", "CHACHA20", "SHA256"],
    },
];

static EVERYTHING: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(ring::default_provider()));

impl Choice {
    /// The provider with what is chosen; an error names what leaves nothing.
    pub(super) fn provider(&self) -> Result<Arc<CryptoProvider>, String> {
        if self.ciphers.is_none() && self.groups.is_none() {
            return Ok(Arc::clone(&EVERYTHING));
        }
        let mut provider = ring::default_provider();
        if let Some(list) = &self.ciphers {
            let chosen = select_ciphers(list);
            if chosen.is_empty() {
                return Err(format!("no cipher of {list:?} is supported"));
            }
            let tls13 = |suite: &&SupportedCipherSuite| suite.tls13().is_some();
            let mut suites: Vec<_> = provider
                .cipher_suites
                .iter()
                .filter(tls13)
                .copied()
                .collect();
            let known = |id: &CipherSuite| {
                let same = |suite: &&SupportedCipherSuite| suite.suite() == *id;
                provider.cipher_suites.iter().find(same).copied()
            };
            suites.extend(chosen.iter().filter_map(known));
            provider.cipher_suites = suites;
        }
        if let Some(list) = self.groups.as_deref().filter(|list| *list != "auto") {
            let all = provider.kx_groups.clone();
            let find = |name: &str| {
                all.iter()
                    .find(|group| group_is(group.name(), name))
                    .copied()
            };
            provider.kx_groups = list.split(':').filter_map(find).collect();
            if provider.kx_groups.is_empty() {
                return Err(format!("no curve of {list:?} is supported"));
            }
        }
        Ok(Arc::new(provider))
    }

    /// The protocols in rustls' words.
    pub(super) fn versions(&self) -> Vec<&'static SupportedProtocolVersion> {
        let version = |protocol: &Protocol| match protocol {
            Protocol::Tls12 => &rustls::version::TLS12,
            Protocol::Tls13 => &rustls::version::TLS13,
        };
        if self.protocols.is_empty() {
            return rustls::ALL_VERSIONS.to_vec();
        }
        self.protocols.iter().map(version).collect()
    }
}

/// The suites of TLS 1.2 that OpenSSL's list means, in its order. Words that are not known select nothing.
fn select_ciphers(list: &str) -> Vec<CipherSuite> {
    let mut chosen: Vec<CipherSuite> = Vec::new();
    let mut banned: Vec<CipherSuite> = Vec::new();
    for word in list.split([':', ' ', ',']).filter(|word| !word.is_empty()) {
        let meant = |word: &str| {
            let word = word.to_owned();
            SUITES
                .iter()
                .filter(move |suite| suite.is_meant(&word))
                .map(|suite| suite.id)
        };
        match word.as_bytes()[0] {
            b'!' => banned.extend(meant(&word[1..])),
            b'-' => {
                let gone: Vec<_> = meant(&word[1..]).collect();
                chosen.retain(|id| !gone.contains(id));
            }
            b'+' => {
                let last: Vec<_> = meant(&word[1..]).filter(|id| chosen.contains(id)).collect();
                chosen.retain(|id| !last.contains(id));
                chosen.extend(last);
            }
            // `@STRENGTH` and the like only order.
            b'@' => {}
            _ => {
                for id in meant(word) {
                    if !chosen.contains(&id) {
                        chosen.push(id);
                    }
                }
            }
        }
    }
    chosen.retain(|id| !banned.contains(id));
    chosen
}

impl Suite {
    /// A word of a list means this suite: its name, or words joined by `+` that all fit.
    fn is_meant(&self, word: &str) -> bool {
        let fits = |part: &str| COMMON.contains(&part) || self.words.contains(&part);
        word == self.name || word.split('+').all(fits)
    }
}

/// `TLSv1.3`, as OpenSSL calls it.
pub(super) const fn protocol_name(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        ProtocolVersion::TLSv1_2 => "TLSv1.2",
        _ => "",
    }
}

/// `ECDHE-RSA-AES128-GCM-SHA256` or `TLS_AES_256_GCM_SHA384`, as OpenSSL calls it.
pub(super) fn cipher_name(id: CipherSuite) -> &'static str {
    match id {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        id => {
            let same = |suite: &&Suite| suite.id == id;
            SUITES.iter().find(same).map_or("", |suite| suite.name)
        }
    }
}

/// `X25519` or `prime256v1`, as OpenSSL calls it.
pub(super) const fn group_name(group: NamedGroup) -> &'static str {
    match group {
        NamedGroup::X25519 => "X25519",
        NamedGroup::secp256r1 => "prime256v1",
        NamedGroup::secp384r1 => "secp384r1",
        _ => "",
    }
}

fn group_is(group: NamedGroup, name: &str) -> bool {
    let own = group_name(group);
    let other = match own {
        "prime256v1" => "P-256",
        "secp384r1" => "P-384",
        own => own,
    };
    name.eq_ignore_ascii_case(own) || name.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(list: &str, expected: &[&str]) {
        let names: Vec<_> = select_ciphers(list).into_iter().map(cipher_name).collect();
        assert_eq!(names, expected, "{list}");
    }

    #[test]
    fn lists_of_ciphers() {
        let all: Vec<_> = SUITES.iter().map(|suite| suite.name).collect();
        check("HIGH:!aNULL:!MD5", &all);
        check("DEFAULT", &all);
        check(
            "ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA",
            &["ECDHE-RSA-AES256-GCM-SHA384"],
        );
        check(
            "EECDH+AESGCM:!aRSA",
            &[
                "ECDHE-ECDSA-AES128-GCM-SHA256",
                "ECDHE-ECDSA-AES256-GCM-SHA384",
            ],
        );
        check(
            "aRSA:-AES256:+AES128",
            &["ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-AES128-GCM-SHA256"],
        );
        check("RC4:NULL", &[]);
    }

    #[test]
    fn nothing_left_is_an_error() {
        let of = |ciphers: &str, groups: &str| Choice {
            protocols: Vec::new(),
            ciphers: Some(ciphers.to_owned()),
            groups: Some(groups.to_owned()),
        };
        assert!(of("RC4", "auto").provider().unwrap_err().contains("RC4"));
        assert!(
            of("HIGH", "P-521")
                .provider()
                .unwrap_err()
                .contains("P-521")
        );
        let provider = of("AES128+aRSA", "P-384:x25519").provider().unwrap();
        assert_eq!(provider.cipher_suites.len(), 4);
        let groups: Vec<_> = provider
            .kx_groups
            .iter()
            .map(|group| group_name(group.name()))
            .collect();
        assert_eq!(groups, ["secp384r1", "X25519"]);
        assert_eq!(Choice::default().versions().len(), 2);
    }
}
