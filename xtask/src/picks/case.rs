//! The cases, as data.

use balancer::Method;

/// A group, as nginx's configuration and as the balancer's description.
pub(crate) struct Case {
    pub(crate) method: Method,
    /// What the `upstream` block says beside its servers.
    pub(crate) directive: &'static str,
    /// Letters are peers: capital ones are dead, `u` and `v` are on Unix domain sockets, `Z` has no port.
    pub(crate) servers: &'static str,
}

const fn case(method: Method, directive: &'static str, servers: &'static str) -> Case {
    Case {
        method,
        directive,
        servers,
    }
}

const ROUND_ROBIN: Method = Method::RoundRobin;
const HASH: Method = Method::Hash { consistent: false };
const KETAMA: Method = Method::Hash { consistent: true };

pub(crate) const CASES: &[Case] = &[
    case(ROUND_ROBIN, "", "a"),
    case(ROUND_ROBIN, "", "A"),
    case(ROUND_ROBIN, "", "a; b; c"),
    case(ROUND_ROBIN, "zone z 256k;", "a weight=3; b; c weight=2"),
    case(ROUND_ROBIN, "", "a weight=5; b; c"),
    case(
        ROUND_ROBIN,
        "",
        "a weight=7; b weight=11; c weight=13; d weight=1; u weight=100",
    ),
    case(ROUND_ROBIN, "", "a; b down; c weight=4; e backup"),
    case(
        ROUND_ROBIN,
        "",
        "a; B max_fails=1; c weight=2; D max_fails=3",
    ),
    case(
        ROUND_ROBIN,
        "",
        "A weight=10 max_fails=4; b weight=3; c weight=2",
    ),
    case(
        ROUND_ROBIN,
        "",
        "a weight=2; B weight=5 max_fails=0; C weight=3 max_fails=0",
    ),
    case(
        ROUND_ROBIN,
        "",
        "A; B; c backup; d weight=3 backup; E backup",
    ),
    case(
        ROUND_ROBIN,
        "",
        "A max_fails=0; b backup weight=2; C backup max_fails=0; d backup",
    ),
    case(ROUND_ROBIN, "", "A; B; C backup"),
    case(Method::LeastConn, "least_conn;", "a; b; c"),
    case(
        Method::LeastConn,
        "least_conn;",
        "a weight=5; b; c weight=2",
    ),
    case(
        Method::LeastConn,
        "least_conn;",
        "a weight=5; B weight=3 max_fails=0; c weight=2; D; e backup",
    ),
    case(
        Method::LeastConn,
        "least_conn;",
        "A; B; c backup; d weight=3 backup",
    ),
    case(Method::IpHash, "ip_hash;", "a; b; c"),
    case(
        Method::IpHash,
        "ip_hash;",
        "a weight=5; b; c weight=3; d down",
    ),
    case(
        Method::IpHash,
        "ip_hash;",
        "a weight=2; B weight=4 max_fails=0; c; D max_fails=0; e",
    ),
    // So many useless hashes that the group is used round robin in the end.
    case(
        Method::IpHash,
        "ip_hash;",
        "a; b; c weight=2; B weight=60 max_fails=0",
    ),
    case(Method::IpHash, "ip_hash;", "A max_fails=3; b; c"),
    case(HASH, "hash $arg_key;", "a; b; c"),
    case(HASH, "hash $arg_key;", "a weight=5; b; c weight=3; d down"),
    case(
        HASH,
        "hash $arg_key;",
        "a weight=2; B weight=4 max_fails=0; c; D max_fails=0; e",
    ),
    case(
        HASH,
        "hash $arg_key;",
        "a; B weight=30 max_fails=0; C weight=20 max_fails=0",
    ),
    // So many useless hashes that the group is used round robin in the end.
    case(
        HASH,
        "hash $arg_key;",
        "a; b; c weight=2; B weight=60 max_fails=0",
    ),
    case(HASH, "hash $arg_key;", "A; b; C; d"),
    case(KETAMA, "hash $arg_key consistent;", "a; b; c"),
    case(
        KETAMA,
        "hash $arg_key consistent; zone y 256k;",
        "a weight=5; b; c weight=3; d down",
    ),
    case(
        KETAMA,
        "hash $arg_key consistent;",
        "a; a weight=2; b; u; v weight=2",
    ),
    case(
        KETAMA,
        "hash $arg_key consistent;",
        "a; B weight=4 max_fails=0; c; Z weight=2 max_fails=0; e",
    ),
    case(
        KETAMA,
        "hash $arg_key consistent;",
        "a; B weight=90 max_fails=0; C weight=60 max_fails=0",
    ),
    // So many useless hashes that the group is used round robin in the end.
    case(
        KETAMA,
        "hash $arg_key consistent;",
        "a; b; c weight=2; B weight=60 max_fails=0",
    ),
    case(KETAMA, "hash $arg_key consistent;", "A; b; Z; d"),
];
