//! The table of nginx's modules.

use nginx_conf::{Context, MAIN, Spec};

use super::Module;

const MAIN_ONLY: &[Context] = &[MAIN];
const HTTP: &[Context] = &[Context("http")];
const SERVERS: &[Context] = &[Context("server"), Context("http")];
const LOCATION: &[Context] = &[Context("location")];
const SERVER_LOCATION: &[Context] = &[Context("location"), Context("server")];
const LOCATIONS: &[Context] = &[Context("location"), Context("server"), Context("http")];
const UPSTREAM: &[Context] = &[Context("upstream")];
const STREAM: &[Context] = &[Context("stream")];
const STREAM_SERVER: &[Context] = &[Context("server in stream")];
const STREAM_SERVERS: &[Context] = &[Context("server in stream"), Context("stream")];
const STREAM_UPSTREAM: &[Context] = &[Context("upstream in stream")];

const fn standard(name: &'static str, spec: Spec) -> Module {
    Module {
        name,
        standard: true,
        spec,
    }
}

const fn extra(name: &'static str, spec: Spec) -> Module {
    Module {
        name,
        standard: false,
        spec,
    }
}

/// All of nginx 1.31's modules that have directives of their own.
pub(crate) static MODULES: &[Module] = &[
    extra(
        "http_ssl_module",
        Spec::not_yet("ssl_certificate", SERVERS, "TLS to clients"),
    ),
    extra("http_v2_module", Spec::not_yet("http2", SERVERS, "HTTP/2")),
    extra("http_v3_module", Spec::not_yet("http3", SERVERS, "HTTP/3")),
    extra(
        "http_realip_module",
        Spec::not_yet(
            "set_real_ip_from",
            LOCATIONS,
            "the client's address from a trusted proxy",
        ),
    ),
    extra(
        "http_addition_module",
        Spec::not_yet(
            "add_before_body",
            LOCATIONS,
            "text before and after a response",
        ),
    ),
    extra(
        "http_xslt_module",
        Spec::not_yet("xslt_stylesheet", LOCATION, "XSLT"),
    ),
    extra(
        "http_image_filter_module",
        Spec::not_yet("image_filter", LOCATION, "resizing of images"),
    ),
    extra(
        "http_geoip_module",
        Spec::not_yet("geoip_country", HTTP, "MaxMind's old databases"),
    ),
    extra(
        "http_sub_module",
        Spec::not_yet("sub_filter", LOCATIONS, "replacing text in responses"),
    ),
    extra(
        "http_dav_module",
        Spec::not_yet("dav_methods", LOCATIONS, "WebDAV"),
    ),
    extra(
        "http_flv_module",
        Spec::not_yet("flv", LOCATION, "seeking in FLV files"),
    ),
    extra(
        "http_mp4_module",
        Spec::not_yet("mp4", LOCATION, "seeking in MP4 files"),
    ),
    extra(
        "http_gunzip_module",
        Spec::not_yet("gunzip", LOCATIONS, "decompressing responses"),
    ),
    extra(
        "http_gzip_static_module",
        Spec::not_yet(
            "gzip_static",
            LOCATIONS,
            "files that were compressed before",
        ),
    ),
    extra(
        "http_auth_request_module",
        Spec::not_yet(
            "auth_request",
            LOCATIONS,
            "asking another server who may pass",
        ),
    ),
    extra(
        "http_random_index_module",
        Spec::not_yet("random_index", LOCATION, "a file by chance"),
    ),
    extra(
        "http_secure_link_module",
        Spec::not_yet("secure_link", LOCATIONS, "links that expire"),
    ),
    extra(
        "http_degradation_module",
        Spec::not_yet(
            "degradation",
            LOCATIONS,
            "refusing requests for want of memory",
        ),
    ),
    extra(
        "http_slice_module",
        Spec::not_yet("slice", LOCATIONS, "large responses in slices"),
    ),
    extra(
        "http_stub_status_module",
        Spec::not_yet("stub_status", SERVER_LOCATION, "the page of counters"),
    ),
    extra(
        "http_perl_module",
        Spec::not_yet("perl", LOCATION, "handlers in Perl"),
    ),
    standard(
        "http_charset_module",
        Spec::not_yet("charset", LOCATIONS, "recoding of responses"),
    ),
    standard(
        "http_gzip_module",
        Spec::not_yet("gzip", LOCATIONS, "compressing responses"),
    ),
    standard(
        "http_ssi_module",
        Spec::not_yet("ssi", LOCATIONS, "server-side includes"),
    ),
    standard(
        "http_userid_module",
        Spec::not_yet("userid", LOCATIONS, "cookies that name clients"),
    ),
    standard(
        "http_access_module",
        Spec::not_yet("allow", LOCATIONS, "access by address"),
    ),
    standard(
        "http_auth_basic_module",
        Spec::not_yet("auth_basic", LOCATIONS, "access by password"),
    ),
    standard(
        "http_mirror_module",
        Spec::not_yet("mirror", LOCATIONS, "copies of requests"),
    ),
    standard(
        "http_autoindex_module",
        Spec::not_yet("autoindex", LOCATIONS, "lists of files"),
    ),
    standard(
        "http_geo_module",
        Spec::not_yet("geo", HTTP, "variables by address"),
    ),
    standard(
        "http_map_module",
        Spec::not_yet("map", HTTP, "variables by other variables"),
    ),
    standard(
        "http_split_clients_module",
        Spec::not_yet("split_clients", HTTP, "variables by shares of clients"),
    ),
    standard(
        "http_referer_module",
        Spec::not_yet("valid_referers", SERVER_LOCATION, "access by referer"),
    ),
    standard(
        "http_rewrite_module",
        Spec::not_yet("rewrite", SERVER_LOCATION, "rewriting of URIs"),
    ),
    standard(
        "http_proxy_module",
        Spec::not_yet("proxy_pass", LOCATION, "proxying over HTTP"),
    ),
    standard(
        "http_fastcgi_module",
        Spec::not_yet("fastcgi_pass", LOCATION, "proxying to FastCGI servers"),
    ),
    standard(
        "http_uwsgi_module",
        Spec::not_yet("uwsgi_pass", LOCATION, "proxying to uwsgi servers"),
    ),
    standard(
        "http_scgi_module",
        Spec::not_yet("scgi_pass", LOCATION, "proxying to SCGI servers"),
    ),
    standard(
        "http_grpc_module",
        Spec::not_yet("grpc_pass", LOCATION, "proxying of gRPC"),
    ),
    standard(
        "http_tunnel_module",
        Spec::not_yet("tunnel_pass", LOCATION, "forward proxying by CONNECT"),
    ),
    standard(
        "http_memcached_module",
        Spec::not_yet("memcached_pass", LOCATION, "answers from memcached"),
    ),
    standard(
        "http_limit_conn_module",
        Spec::not_yet("limit_conn", LOCATIONS, "limits of connections"),
    ),
    standard(
        "http_limit_req_module",
        Spec::not_yet("limit_req", LOCATIONS, "limits of request rates"),
    ),
    standard(
        "http_empty_gif_module",
        Spec::not_yet("empty_gif", LOCATION, "an empty picture"),
    ),
    standard(
        "http_browser_module",
        Spec::not_yet("ancient_browser", LOCATIONS, "variables by browser"),
    ),
    standard(
        "http_upstream_hash_module",
        Spec::not_yet("hash", UPSTREAM, "choosing a server by a hash"),
    ),
    standard(
        "http_upstream_ip_hash_module",
        Spec::not_yet(
            "ip_hash",
            UPSTREAM,
            "choosing a server by the client's address",
        ),
    ),
    standard(
        "http_upstream_least_conn_module",
        Spec::not_yet(
            "least_conn",
            UPSTREAM,
            "choosing the server with the fewest connections",
        ),
    ),
    standard(
        "http_upstream_least_time_module",
        Spec::not_yet("least_time", UPSTREAM, "choosing the fastest server"),
    ),
    standard(
        "http_upstream_random_module",
        Spec::not_yet("random", UPSTREAM, "choosing a server by chance"),
    ),
    standard(
        "http_upstream_keepalive_module",
        Spec::not_yet("keepalive", UPSTREAM, "keeping connections to servers"),
    ),
    standard(
        "http_upstream_zone_module",
        Spec::not_yet("zone", UPSTREAM, "groups that all workers share"),
    ),
    standard(
        "http_upstream_sticky_module",
        Spec::not_yet("sticky", UPSTREAM, "sessions that stay with a server"),
    ),
    standard(
        "http-cache",
        Spec::not_yet("proxy_cache", LOCATIONS, "caching of responses"),
    ),
    extra("mail", Spec::not_yet("mail", MAIN_ONLY, "mail proxying")),
    extra(
        "stream",
        Spec::not_yet("stream", MAIN_ONLY, "TCP and UDP load balancing"),
    ),
    extra(
        "stream_ssl_module",
        Spec::not_yet(
            "ssl_certificate",
            STREAM_SERVERS,
            "TLS to clients of TCP servers",
        ),
    ),
    extra(
        "stream_realip_module",
        Spec::not_yet(
            "set_real_ip_from",
            STREAM_SERVERS,
            "the client's address from a trusted proxy",
        ),
    ),
    extra(
        "stream_geoip_module",
        Spec::not_yet("geoip_country", STREAM, "MaxMind's old databases"),
    ),
    extra(
        "stream_ssl_preread_module",
        Spec::not_yet(
            "ssl_preread",
            STREAM_SERVERS,
            "the name that a TLS client asks for, without ending TLS",
        ),
    ),
    standard(
        "stream_limit_conn_module",
        Spec::not_yet("limit_conn", STREAM_SERVERS, "limits of connections"),
    ),
    standard(
        "stream_access_module",
        Spec::not_yet("allow", STREAM_SERVERS, "access by address"),
    ),
    standard(
        "stream_geo_module",
        Spec::not_yet("geo", STREAM, "variables by address"),
    ),
    standard(
        "stream_map_module",
        Spec::not_yet("map", STREAM, "variables by other variables"),
    ),
    standard(
        "stream_split_clients_module",
        Spec::not_yet("split_clients", STREAM, "variables by shares of clients"),
    ),
    standard(
        "stream_return_module",
        Spec::not_yet("return", STREAM_SERVER, "a fixed answer"),
    ),
    standard(
        "stream_pass_module",
        Spec::not_yet(
            "pass",
            STREAM_SERVER,
            "handing connections to another server block",
        ),
    ),
    standard(
        "stream_set_module",
        Spec::not_yet("set", STREAM_SERVER, "setting variables"),
    ),
    standard(
        "stream_upstream_hash_module",
        Spec::not_yet("hash", STREAM_UPSTREAM, "choosing a server by a hash"),
    ),
    standard(
        "stream_upstream_least_conn_module",
        Spec::not_yet(
            "least_conn",
            STREAM_UPSTREAM,
            "choosing the server with the fewest connections",
        ),
    ),
    standard(
        "stream_upstream_least_time_module",
        Spec::not_yet("least_time", STREAM_UPSTREAM, "choosing the fastest server"),
    ),
    standard(
        "stream_upstream_random_module",
        Spec::not_yet("random", STREAM_UPSTREAM, "choosing a server by chance"),
    ),
    standard(
        "stream_upstream_zone_module",
        Spec::not_yet("zone", STREAM_UPSTREAM, "groups that all workers share"),
    ),
];
