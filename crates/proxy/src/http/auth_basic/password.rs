//! Passwords as `htpasswd` and crypt(3) keep them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA1_OUTPUT_LEN, digest};

/// Whether the password is that of `name`; `None` where the file does not have the name.
pub(super) fn check(
    path: &Path,
    len_max: u64,
    name: &[u8],
    password: &[u8],
) -> io::Result<Option<bool>> {
    let mut text = Vec::new();
    File::open(path)?.take(len_max + 1).read_to_end(&mut text)?;
    if text.len() as u64 > len_max {
        return Err(io::Error::other(format!("more than {len_max} bytes")));
    }
    let mut lines = text.split(|byte| *byte == b'\n');
    let hash = lines.find_map(|line| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let rest = line.strip_prefix(name)?.strip_prefix(b":")?;
        // What follows a further colon is a comment.
        rest.split(|byte| *byte == b':').next()
    });
    Ok(hash.map(|hash| matches(hash, password)))
}

fn matches(hash: &[u8], password: &[u8]) -> bool {
    let wanted = match kind(hash) {
        Kind::Plain(text) => return equal(text, password),
        Kind::Sha(text) => return sha(text, password, 0),
        Kind::Ssha(text) => return sha(text, password, 1),
        Kind::Apr1 => apr1(hash, password),
        Kind::Crypt => {
            let (Ok(hash), Ok(password)) =
                (std::str::from_utf8(hash), std::str::from_utf8(password))
            else {
                return false;
            };
            return pwhash::unix::verify(password, hash);
        }
    };
    wanted.is_some_and(|wanted| equal(&wanted, hash))
}

enum Kind<'h> {
    Plain(&'h [u8]),
    Sha(&'h [u8]),
    Ssha(&'h [u8]),
    Apr1,
    Crypt,
}

fn kind(hash: &[u8]) -> Kind<'_> {
    let after = |prefix: &[u8]| hash.strip_prefix(prefix);
    if let Some(text) = after(b"{PLAIN}") {
        Kind::Plain(text)
    } else if let Some(text) = after(b"{SSHA}") {
        Kind::Ssha(text)
    } else if let Some(text) = after(b"{SHA}") {
        Kind::Sha(text)
    } else if hash.starts_with(b"$apr1$") {
        Kind::Apr1
    } else {
        Kind::Crypt
    }
}

/// Takes as long whatever differs. The lengths are no secret.
fn equal(left: &[u8], right: &[u8]) -> bool {
    let differs = left.iter().zip(right).fold(0, |all, (a, b)| all | (a ^ b));
    left.len() == right.len() && differs == 0
}

/// SHA-1 in base64, of the password and the salt that follows the digest.
fn sha(text: &[u8], password: &[u8], salt_len_min: usize) -> bool {
    let Ok(bytes) = STANDARD.decode(text) else {
        return false;
    };
    let Some((wanted, salt)) = bytes.split_at_checked(SHA1_OUTPUT_LEN) else {
        return false;
    };
    if salt.len() < salt_len_min || (salt_len_min == 0 && !salt.is_empty()) {
        return false;
    }
    let got = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[password, salt].concat());
    equal(wanted, got.as_ref())
}

/// Apache's variant of the MD5 crypt: a thousand rounds, its own alphabet of 64 letters.
fn apr1(hash: &[u8], password: &[u8]) -> Option<Vec<u8>> {
    const MAGIC: &[u8] = b"$apr1$";
    let rest = hash.strip_prefix(MAGIC)?;
    let salt = rest.split(|byte| *byte == b'$').next()?;
    let salt = &salt[..salt.len().min(8)];
    let inner = Md5::new()
        .chain_update(password)
        .chain_update(salt)
        .chain_update(password)
        .finalize();
    let mut outer = Md5::new()
        .chain_update(password)
        .chain_update(MAGIC)
        .chain_update(salt);
    let mut left = password.len();
    while left > 0 {
        outer.update(&inner[..left.min(16)]);
        left = left.saturating_sub(16);
    }
    let mut bits = password.len();
    while bits > 0 {
        // Where a bit is set, a zero; else the password's first letter.
        if bits & 1 == 1 {
            outer.update([0]);
        } else {
            outer.update(&password[..1]);
        }
        bits >>= 1;
    }
    let mut last = outer.finalize();
    for round in 0..1000 {
        let mut next = Md5::new();
        let odd = round % 2 == 1;
        next.update(if odd { password } else { &last[..] });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if odd { &last[..] } else { password });
        last = next.finalize();
    }
    let mut out = [MAGIC, salt, b"$"].concat();
    for [high, middle, low] in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
        let bits = [last[high], last[middle], last[low]].map(u32::from);
        letters((bits[0] << 16) | (bits[1] << 8) | bits[2], 4, &mut out);
    }
    letters(u32::from(last[11]), 2, &mut out);
    Some(out)
}

/// Six bits a letter, the lowest first.
fn letters(mut bits: u32, count: usize, out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for _ in 0..count {
        let index = usize::try_from(bits & 63).unwrap_or_default();
        out.push(ALPHABET[index]);
        bits >>= 6;
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn every_kind_of_hash() {
        let check = |hash: &str, password: &str, wanted| {
            assert_eq!(
                matches(hash.as_bytes(), password.as_bytes()),
                wanted,
                "{hash}"
            );
        };
        // `openssl passwd -apr1|-1|-5|-6 -salt saltsalt password`, `htpasswd -nbB`, `htpasswd -nbs`.
        for hash in [
            "{PLAIN}password",
            "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
            "$apr1$saltsalt$yAAkm4libquA.ZWLHbSBq/",
            "$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/",
            "$5$saltsalt$gOjOtoMpVhru2uyjeJSEc/JaLQWOXMNmlOnj6T4AtC.",
            "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/",
            "sa3tHJ3/KuYvI",
            "{SSHA}yI6cZwQadOA1e+/f+T+H3eCQQhRzYWx0",
        ] {
            check(hash, "password", true);
            check(hash, "passwore", false);
            check(hash, "", false);
        }
        check("{SHA}", "", false);
        check("{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "password", false);
        check("", "", false);
        check("$apr1$", "", false);
        check("$9$x$y", "x", false);
    }
}
