//! nginx's directives inside of `stream`.

use nginx_conf::Spec;

use super::{FILES, LOG_LEVELS, TABLE_SIZES, TLS, TLS_TUNING, known};
use crate::conf::Row;
use crate::conf::contexts::{STREAM, STREAM_SERVER, STREAM_UPSTREAM, STREAMS};

pub(super) const ROWS: &[Row] = known! {
    ignored STREAMS, FILES =>
        "tcp_nodelay" "open_log_file_cache";
    ignored STREAMS, LOG_LEVELS =>
        "limit_conn_log_level";
    ignored &[STREAM], TABLE_SIZES =>
        "variables_hash_max_size" "variables_hash_bucket_size" "server_names_hash_max_size"
        "server_names_hash_bucket_size" "map_hash_max_size" "map_hash_bucket_size";
    ignored STREAMS, TLS =>
        "proxy_ssl_session_reuse" "proxy_ssl_certificate_cache";
    ignored STREAMS, TLS_TUNING =>
        "ssl_certificate_cache" "ssl_certificate_compression" "ssl_dhparam" "ssl_session_timeout"
        "ssl_stapling" "ssl_stapling_file" "ssl_stapling_responder" "ssl_stapling_verify";
    not_yet &[STREAM], "GeoIP" =>
        "geoip_country" "geoip_org" "geoip_city";
    not_yet STREAMS, "TLS over TCP" =>
        "ssl_handshake_timeout" "ssl_certificate" "ssl_certificate_key" "ssl_ech_file" "ssl_password_file"
        "ssl_protocols" "ssl_ciphers" "ssl_ecdh_curve" "ssl_prefer_server_ciphers" "ssl_session_cache"
        "ssl_verify_client" "ssl_verify_depth" "ssl_client_certificate" "ssl_trusted_certificate"
        "ssl_session_tickets" "ssl_session_ticket_key" "ssl_crl" "ssl_ocsp" "ssl_ocsp_responder"
        "ssl_ocsp_cache" "ssl_conf_command" "ssl_reject_handshake" "ssl_alpn" "ssl_preread";
    not_yet &[STREAM_SERVER], "handing TCP connections to another face" =>
        "pass";
    not_yet &[STREAM], "this part of TCP balancing" =>
        "server" "geo" "limit_conn_zone" "log_format" "map" "split_clients" "upstream";
    not_yet &[STREAM_SERVER], "this part of TCP balancing" =>
        "listen" "server_name" "proxy_pass" "return" "set";
    not_yet &[STREAM_UPSTREAM], "this part of TCP balancing" =>
        "server" "resolver" "resolver_timeout" "hash" "least_conn" "least_time" "random" "zone";
    not_yet STREAMS, "this part of TCP balancing" =>
        "allow" "deny" "error_log" "resolver" "resolver_timeout" "proxy_protocol_timeout"
        "preread_buffer_size" "preread_timeout" "limit_conn" "limit_conn_dry_run" "access_log" "proxy_bind"
        "proxy_socket_keepalive" "proxy_socket_rcvbuf" "proxy_socket_sndbuf" "proxy_connect_timeout"
        "proxy_timeout" "proxy_buffer_size" "proxy_downstream_buffer" "proxy_upstream_buffer"
        "proxy_upload_rate" "proxy_download_rate" "proxy_requests" "proxy_responses" "proxy_next_upstream"
        "proxy_next_upstream_tries" "proxy_next_upstream_timeout" "proxy_protocol" "proxy_half_close"
        "proxy_ssl" "proxy_ssl_protocols" "proxy_ssl_ciphers" "proxy_ssl_name" "proxy_ssl_server_name"
        "proxy_ssl_alpn" "proxy_ssl_verify" "proxy_ssl_verify_depth" "proxy_ssl_trusted_certificate"
        "proxy_ssl_crl" "proxy_ssl_certificate" "proxy_ssl_certificate_key" "proxy_ssl_password_file"
        "proxy_ssl_conf_command" "set_real_ip_from";
    not_yet STREAMS, "nginx Plus has it, Mainstay does not yet" =>
        "health_check" "health_check_timeout" "status_zone" "js_access" "js_preread" "js_filter" "js_set"
        "js_import" "js_var" "mqtt" "mqtt_preread" "mqtt_set_connect";
    not_yet &[STREAM], "nginx Plus has it, Mainstay does not yet" =>
        "keyval" "keyval_zone" "match";
    not_yet &[STREAM_UPSTREAM], "nginx Plus has it, Mainstay does not yet" =>
        "state" "ntlm" "zone_sync" "zone_sync_server";
};
