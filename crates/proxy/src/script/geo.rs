//! `geo`: a value by the client's address.

use std::collections::{BTreeMap, HashMap};

use nginx_conf::Directive;

use super::{Registry, Scope, Template};
use crate::network::{Network, bits, mask};

/// The networks of one length, by what their addresses have in common.
type ByBase = HashMap<u128, Box<[u8]>>;

/// One `geo`. IPv4 addresses are those of `::ffff:0:0/96`.
#[derive(Debug)]
pub(crate) struct Geo<V> {
    source: Template<V>,
    /// The longest prefix first.
    networks: Vec<(u32, ByBase)>,
    /// By first address: the last one, and the value. They do not overlap.
    ranges: BTreeMap<u128, (u128, Box<[u8]>)>,
    default: Box<[u8]>,
}

impl<V> Geo<V> {
    /// Reads `geo [$address] $name { … }`.
    pub(crate) fn read(directive: &Directive, registry: &mut Registry<V>) -> Result<Self, String> {
        let source = match directive.args.as_slice() {
            [_] => "$remote_addr",
            [address, _] => &*address.text,
            _ => return Err("expected one or two variables".to_owned()),
        };
        let mut geo = Self {
            source: registry.template(source)?,
            networks: Vec::new(),
            ranges: BTreeMap::new(),
            default: Box::default(),
        };
        for entry in directive.block.as_deref().unwrap_or_default() {
            geo.entry(entry)?;
        }
        geo.networks.sort_by_key(|(len, _)| std::cmp::Reverse(*len));
        Ok(geo)
    }

    fn entry(&mut self, entry: &Directive) -> Result<(), String> {
        let key = entry.name.text.as_str();
        let value = match entry.args.as_slice() {
            [] if key == "ranges" => return Ok(()),
            [value] => value.text.as_str(),
            _ => return Err(format!("invalid number of parameters at \"{key}\"")),
        };
        match key {
            "default" => self.default = value.as_bytes().into(),
            "proxy" | "proxy_recursive" => {
                return Err(format!("\"{key}\" is not supported yet; see realip"));
            }
            "delete" => {
                let (base, len) = network(value).ok_or_else(|| invalid(value))?;
                for (_, table) in self.networks.iter_mut().filter(|(other, _)| *other == len) {
                    table.remove(&base);
                }
            }
            _ => {
                if let Some((first, last)) = key.split_once('-') {
                    let first = first.parse().map_err(|_| invalid(key))?;
                    let last = last.parse().map_err(|_| invalid(key))?;
                    self.range(bits(first), bits(last), value);
                } else {
                    let (base, len) = network(key).ok_or_else(|| invalid(key))?;
                    self.network(base, len, value);
                }
            }
        }
        Ok(())
    }

    fn network(&mut self, base: u128, len: u32, value: &str) {
        let at = self.networks.iter().position(|(other, _)| *other == len);
        let at = at.unwrap_or_else(|| {
            self.networks.push((len, HashMap::new()));
            self.networks.len() - 1
        });
        self.networks[at].1.insert(base, value.as_bytes().into());
    }

    /// Puts a range over those that are there: it holds where they overlap.
    fn range(&mut self, first: u128, last: u128, value: &str) {
        let inside: Vec<u128> = self
            .ranges
            .range(..=last)
            .map(|(start, _)| *start)
            .collect();
        for start in inside.into_iter().rev() {
            let Some((end, other)) = self.ranges.get(&start).cloned() else {
                continue;
            };
            if end < first {
                // They do not overlap, so all that begin earlier end earlier.
                break;
            }
            self.ranges.remove(&start);
            if end > last {
                self.ranges.insert(last + 1, (end, other.clone()));
            }
            if start < first {
                self.ranges.insert(start, (first - 1, other));
            }
        }
        self.ranges.insert(first, (last, value.as_bytes().into()));
    }

    /// Appends the value for the address that the source says now.
    pub(super) fn append(&self, scope: &impl Scope<V>, out: &mut Vec<u8>) {
        let mut text = Vec::with_capacity(super::computed::SUBJECT_CAPACITY);
        self.source.render(scope, &mut text);
        let address = std::str::from_utf8(&text).ok();
        let address = address.and_then(|text| text.parse().ok());
        // nginx takes what is no address for the last one of IPv4.
        let address = address.map_or_else(|| bits(std::net::IpAddr::from([255; 4])), bits);
        out.extend_from_slice(self.find(address));
    }

    fn find(&self, address: u128) -> &[u8] {
        let range = self.ranges.range(..=address).next_back();
        if let Some((_, (_, value))) = range.filter(|(_, (last, _))| address <= *last) {
            return value;
        }
        self.networks
            .iter()
            .find_map(|(len, table)| table.get(&(address & mask(*len))))
            .unwrap_or(&self.default)
    }
}

fn invalid(text: &str) -> String {
    format!("invalid network \"{text}\"")
}

fn network(text: &str) -> Option<(u128, u32)> {
    let network = Network::read(text)?;
    Some((network.base, network.len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_and_the_latest_range_hold() {
        let mut geo = Geo::<()> {
            source: Template::default(),
            networks: Vec::new(),
            ranges: BTreeMap::new(),
            default: (*b"none").into(),
        };
        for (key, value) in [
            ("10.0.0.0/8", "wide"),
            ("10.1.0.0/16", "near"),
            ("10.1.1.1", "one"),
            ("2001:db8::/32", "six"),
        ] {
            let (base, len) = network(key).unwrap();
            geo.network(base, len, value);
        }
        geo.networks.sort_by_key(|(len, _)| std::cmp::Reverse(*len));
        let ip = |text: &str| bits(text.parse().unwrap());
        geo.range(ip("20.0.0.1"), ip("20.0.0.9"), "all");
        geo.range(ip("20.0.0.3"), ip("20.0.0.4"), "some");
        let check = |text: &str, value: &str| {
            assert_eq!(geo.find(ip(text)), value.as_bytes(), "{text}");
        };
        check("10.2.0.1", "wide");
        check("10.1.0.1", "near");
        check("10.1.1.1", "one");
        check("2001:db8::5", "six");
        check("11.0.0.1", "none");
        check("20.0.0.2", "all");
        check("20.0.0.3", "some");
        check("20.0.0.4", "some");
        check("20.0.0.5", "all");
        check("20.0.0.10", "none");
    }
}
