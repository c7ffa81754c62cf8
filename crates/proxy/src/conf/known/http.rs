//! nginx's directives inside of `http`.

use nginx_conf::Spec;

use super::{FILES, TABLE_SIZES, TLS, TLS_TUNING, known};
use crate::conf::Row;
use crate::conf::contexts::{
    HTTP, LIMIT_EXCEPT, LOCATION, LOCATION_IF, LOCATIONS, LOCATIONS_IF, SERVER, SERVER_IF, SERVERS,
    UPSTREAM,
};

const GZIP: &str = "it tunes the memory of nginx's compression";
const OLD: &str = "it helps browsers that are gone";
const REWRITE_LOG: &str = "it tunes what nginx tells about rewriting";
const TEMP: &str = "temporary files go where `client_body_temp_path` says, or none are needed";

pub(super) const ROWS: &[Row] = known! {
    ignored LOCATIONS, FILES =>
        "open_log_file_cache" "output_buffers" "sendfile_max_chunk" "subrequest_output_buffer_size" "aio"
        "aio_write" "read_ahead" "directio" "directio_alignment" "tcp_nopush" "tcp_nodelay" "send_lowat"
        "postpone_output" "open_file_cache" "open_file_cache_valid" "open_file_cache_min_uses"
        "open_file_cache_errors" "open_file_cache_events";
    ignored LOCATIONS_IF, FILES =>
        "sendfile";
    ignored LOCATIONS, GZIP =>
        "gzip_buffers" "gzip_window" "gzip_hash" "postpone_gzipping" "gzip_no_buffer";
    ignored LOCATIONS, OLD =>
        "msie_padding" "msie_refresh";
    ignored &[HTTP, SERVER, SERVER_IF, LOCATION, LOCATION_IF], REWRITE_LOG =>
        "rewrite_log" "uninitialized_variable_warn";
    ignored &[HTTP], TABLE_SIZES =>
        "map_hash_max_size" "map_hash_bucket_size" "variables_hash_max_size" "variables_hash_bucket_size"
        "server_names_hash_max_size" "server_names_hash_bucket_size";
    ignored &[SERVER, LOCATION], TABLE_SIZES =>
        "referer_hash_max_size" "referer_hash_bucket_size";
    ignored LOCATIONS, TABLE_SIZES =>
        "proxy_headers_hash_max_size" "proxy_headers_hash_bucket_size" "types_hash_max_size"
        "types_hash_bucket_size" "client_body_in_single_buffer";
    ignored SERVERS, TABLE_SIZES =>
        "connection_pool_size" "request_pool_size" "http2_pool_size" "http2_streams_index_size";
    ignored LOCATIONS, TEMP =>
        "fastcgi_temp_path" "fastcgi_max_temp_file_size" "fastcgi_temp_file_write_size" "proxy_temp_path"
        "proxy_temp_file_write_size" "scgi_temp_path" "scgi_max_temp_file_size" "scgi_temp_file_write_size"
        "uwsgi_temp_path" "uwsgi_max_temp_file_size" "uwsgi_temp_file_write_size" "client_body_temp_path";
    ignored LOCATIONS, TLS =>
        "proxy_ssl_session_reuse" "proxy_ssl_certificate_cache";
    ignored SERVERS, TLS_TUNING =>
        "ssl_certificate_cache" "ssl_certificate_compression" "ssl_dhparam" "ssl_buffer_size"
        "ssl_session_timeout" "ssl_stapling" "ssl_stapling_file" "ssl_stapling_responder"
        "ssl_stapling_verify";
    not_yet &[SERVER, LOCATION, LOCATION_IF], "CONNECT" =>
        "tunnel_pass";
    not_yet LOCATIONS, "CONNECT" =>
        "tunnel_bind" "tunnel_socket_keepalive" "tunnel_socket_rcvbuf" "tunnel_socket_sndbuf"
        "tunnel_connect_timeout" "tunnel_send_timeout" "tunnel_send_lowat" "tunnel_buffer_size"
        "tunnel_read_timeout" "tunnel_next_upstream" "tunnel_next_upstream_tries"
        "tunnel_next_upstream_timeout";
    not_yet &[LOCATION], "FLV and MP4 streaming" =>
        "flv" "mp4";
    not_yet LOCATIONS, "FLV and MP4 streaming" =>
        "mp4_buffer_size" "mp4_max_buffer_size" "mp4_start_key_frame";
    not_yet &[HTTP], "FastCGI servers" =>
        "fastcgi_cache_path";
    not_yet &[LOCATION, LOCATION_IF], "FastCGI servers" =>
        "fastcgi_pass";
    not_yet LOCATIONS, "FastCGI servers" =>
        "fastcgi_index" "fastcgi_split_path_info" "fastcgi_store" "fastcgi_store_access" "fastcgi_buffering"
        "fastcgi_request_buffering" "fastcgi_ignore_client_abort" "fastcgi_bind" "fastcgi_socket_keepalive"
        "fastcgi_socket_rcvbuf" "fastcgi_socket_sndbuf" "fastcgi_connect_timeout" "fastcgi_send_timeout"
        "fastcgi_send_lowat" "fastcgi_buffer_size" "fastcgi_pass_request_headers"
        "fastcgi_pass_request_body" "fastcgi_intercept_errors" "fastcgi_read_timeout" "fastcgi_buffers"
        "fastcgi_busy_buffers_size" "fastcgi_force_ranges" "fastcgi_limit_rate" "fastcgi_cache"
        "fastcgi_cache_key" "fastcgi_cache_bypass" "fastcgi_no_cache" "fastcgi_cache_valid"
        "fastcgi_cache_min_uses" "fastcgi_cache_max_range_offset" "fastcgi_cache_use_stale"
        "fastcgi_cache_methods" "fastcgi_cache_lock" "fastcgi_cache_lock_timeout" "fastcgi_cache_lock_age"
        "fastcgi_cache_revalidate" "fastcgi_cache_background_update" "fastcgi_next_upstream"
        "fastcgi_next_upstream_tries" "fastcgi_next_upstream_timeout" "fastcgi_param" "fastcgi_pass_header"
        "fastcgi_hide_header" "fastcgi_ignore_headers" "fastcgi_catch_stderr" "fastcgi_keep_conn";
    not_yet &[HTTP], "GeoIP" =>
        "geoip_country" "geoip_org" "geoip_city" "geoip_proxy" "geoip_proxy_recursive";
    not_yet &[HTTP], "HTTP/2" =>
        "http2_recv_buffer_size";
    not_yet LOCATIONS, "HTTP/2" =>
        "http2_chunk_size" "http2_push_preload" "http2_push";
    not_yet SERVERS, "HTTP/2" =>
        "http2" "http2_max_concurrent_streams" "http2_max_concurrent_pushes" "http2_max_requests"
        "http2_max_field_size" "http2_max_header_size" "http2_body_preread_size" "http2_recv_timeout"
        "http2_idle_timeout";
    not_yet SERVERS, "HTTP/3" =>
        "http3" "http3_hq" "http3_max_concurrent_streams" "http3_stream_buffer_size" "quic_retry" "quic_gso"
        "quic_host_key" "quic_active_connection_id_limit";
    not_yet &[HTTP], "Perl" =>
        "perl_modules" "perl_require" "perl_set";
    not_yet &[LOCATION, LIMIT_EXCEPT], "Perl" =>
        "perl";
    not_yet &[HTTP], "SCGI servers" =>
        "scgi_cache_path";
    not_yet &[LOCATION, LOCATION_IF], "SCGI servers" =>
        "scgi_pass";
    not_yet LOCATIONS, "SCGI servers" =>
        "scgi_store" "scgi_store_access" "scgi_buffering" "scgi_request_buffering"
        "scgi_ignore_client_abort" "scgi_bind" "scgi_socket_keepalive" "scgi_socket_rcvbuf"
        "scgi_socket_sndbuf" "scgi_connect_timeout" "scgi_send_timeout" "scgi_buffer_size"
        "scgi_pass_request_headers" "scgi_pass_request_body" "scgi_intercept_errors" "scgi_read_timeout"
        "scgi_buffers" "scgi_busy_buffers_size" "scgi_force_ranges" "scgi_limit_rate" "scgi_cache"
        "scgi_cache_key" "scgi_cache_bypass" "scgi_no_cache" "scgi_cache_valid" "scgi_cache_min_uses"
        "scgi_cache_max_range_offset" "scgi_cache_use_stale" "scgi_cache_methods" "scgi_cache_lock"
        "scgi_cache_lock_timeout" "scgi_cache_lock_age" "scgi_cache_revalidate"
        "scgi_cache_background_update" "scgi_next_upstream" "scgi_next_upstream_tries"
        "scgi_next_upstream_timeout" "scgi_param" "scgi_pass_header" "scgi_hide_header"
        "scgi_ignore_headers";
    not_yet LOCATIONS, "WebDAV" =>
        "dav_methods" "create_full_put_path" "min_delete_depth" "dav_access";
    not_yet &[LOCATION], "XSLT" =>
        "xslt_stylesheet";
    not_yet LOCATIONS, "XSLT" =>
        "xml_entities" "xml_external_entities" "xslt_param" "xslt_string_param" "xslt_types"
        "xslt_last_modified";
    not_yet &[LOCATION], "a one-pixel image" =>
        "empty_gif";
    not_yet &[LOCATION], "a random file of a directory" =>
        "random_index";
    not_yet &[HTTP, SERVER, LOCATION, LOCATION_IF, LIMIT_EXCEPT], "access logs" =>
        "access_log";
    not_yet &[HTTP], "access logs" =>
        "log_format";
    not_yet &[LOCATION], "changes of images" =>
        "image_filter";
    not_yet LOCATIONS, "changes of images" =>
        "image_filter_jpeg_quality" "image_filter_webp_quality" "image_filter_sharpen"
        "image_filter_transparency" "image_filter_interlace" "image_filter_buffer";
    not_yet LOCATIONS, "changes of text in responses" =>
        "sub_filter" "sub_filter_types" "sub_filter_once" "sub_filter_last_modified";
    not_yet &[SERVER, LOCATION], "checks of `Referer`" =>
        "valid_referers";
    not_yet LOCATIONS, "cookies that tell clients apart" =>
        "userid" "userid_service" "userid_name" "userid_domain" "userid_path" "userid_expires"
        "userid_flags" "userid_p3p" "userid_mark";
    not_yet LOCATIONS, "files that were compressed beforehand" =>
        "gzip_static";
    not_yet &[LOCATION, LOCATION_IF], "gRPC servers" =>
        "grpc_pass";
    not_yet LOCATIONS, "gRPC servers" =>
        "grpc_bind" "grpc_socket_keepalive" "grpc_socket_rcvbuf" "grpc_socket_sndbuf" "grpc_connect_timeout"
        "grpc_send_timeout" "grpc_intercept_errors" "grpc_buffer_size" "grpc_read_timeout"
        "grpc_next_upstream" "grpc_next_upstream_tries" "grpc_next_upstream_timeout" "grpc_set_header"
        "grpc_pass_header" "grpc_hide_header" "grpc_ignore_headers" "grpc_ssl_session_reuse"
        "grpc_ssl_protocols" "grpc_ssl_ciphers" "grpc_ssl_name" "grpc_ssl_server_name" "grpc_ssl_verify"
        "grpc_ssl_verify_depth" "grpc_ssl_trusted_certificate" "grpc_ssl_crl" "grpc_ssl_certificate"
        "grpc_ssl_certificate_key" "grpc_ssl_certificate_cache" "grpc_ssl_password_file"
        "grpc_ssl_conf_command";
    not_yet LOCATIONS, "listings of directories" =>
        "autoindex" "autoindex_format" "autoindex_localtime" "autoindex_exact_size";
    not_yet &[LOCATION, LOCATION_IF], "memcached" =>
        "memcached_pass";
    not_yet LOCATIONS, "memcached" =>
        "memcached_bind" "memcached_socket_keepalive" "memcached_connect_timeout" "memcached_send_timeout"
        "memcached_buffer_size" "memcached_read_timeout" "memcached_next_upstream"
        "memcached_next_upstream_tries" "memcached_next_upstream_timeout" "memcached_gzip_flag";
    not_yet &[HTTP], "recoding of responses" =>
        "charset_map";
    not_yet LOCATIONS, "recoding of responses" =>
        "charset_types";
    not_yet LOCATIONS_IF, "recoding of responses" =>
        "charset" "source_charset" "override_charset";
    not_yet LOCATIONS, "responses in slices" =>
        "slice";
    not_yet LOCATIONS, "server-side includes" =>
        "ssi_silent_errors" "ssi_ignore_recycled_buffers" "ssi_min_file_chunk" "ssi_value_length"
        "ssi_types" "ssi_last_modified";
    not_yet LOCATIONS_IF, "server-side includes" =>
        "ssi";
    not_yet LOCATIONS, "signed links" =>
        "secure_link" "secure_link_md5" "secure_link_secret";
    not_yet LOCATIONS, "text put around responses" =>
        "add_before_body" "add_after_body" "addition_types";
    not_yet SERVERS, "this part of TLS" =>
        "ssl_ech_file" "ssl_session_ticket_key" "ssl_ocsp" "ssl_ocsp_responder" "ssl_ocsp_cache"
        "ssl_conf_command";
    not_yet &[HTTP, SERVER, LOCATION, LIMIT_EXCEPT], "this part of nginx" =>
        "allow" "deny" "auth_basic" "auth_basic_user_file";
    not_yet &[HTTP], "this part of nginx" =>
        "degradation" "geo" "limit_conn_zone" "limit_req_zone" "map" "split_clients";
    not_yet &[SERVER, LOCATION], "this part of nginx" =>
        "stub_status" "try_files";
    not_yet &[SERVER, SERVER_IF, LOCATION, LOCATION_IF], "this part of nginx" =>
        "rewrite" "return" "break" "set";
    not_yet &[UPSTREAM], "this part of nginx" =>
        "hash" "ip_hash" "keepalive" "keepalive_time" "keepalive_timeout" "keepalive_requests" "least_conn"
        "least_time" "random" "sticky" "zone" "server" "resolver" "resolver_timeout";
    not_yet LOCATIONS, "this part of nginx" =>
        "auth_request" "auth_request_set" "degrade" "index" "limit_conn" "limit_conn_status"
        "limit_conn_dry_run" "limit_req" "limit_req_status" "limit_req_dry_run" "mirror"
        "mirror_request_body" "set_real_ip_from" "real_ip_header" "real_ip_recursive";
    not_yet LOCATIONS_IF, "this part of nginx" =>
        "expires" "add_header" "add_trailer" "add_header_inherit" "add_trailer_inherit";
    not_yet &[LOCATION], "this part of nginx's core" =>
        "alias" "internal";
    not_yet &[SERVER], "this part of nginx's core" =>
        "listen" "server_name";
    not_yet LOCATIONS, "this part of nginx's core" =>
        "types" "default_type" "client_max_body_size" "client_body_buffer_size" "client_body_timeout"
        "client_body_in_file_only" "send_timeout" "keepalive_time" "keepalive_timeout"
        "keepalive_min_timeout" "keepalive_requests" "keepalive_disable" "satisfy" "auth_delay"
        "lingering_close" "lingering_time" "lingering_timeout" "reset_timedout_connection"
        "absolute_redirect" "server_name_in_redirect" "port_in_redirect" "log_not_found" "log_subrequest"
        "recursive_error_pages" "server_tokens" "if_modified_since" "max_ranges" "chunked_transfer_encoding"
        "etag" "early_hints" "error_log" "resolver" "resolver_timeout" "disable_symlinks";
    not_yet LOCATIONS_IF, "this part of nginx's core" =>
        "root" "limit_rate" "limit_rate_after" "error_page" "post_action";
    not_yet SERVERS, "this part of nginx's core" =>
        "client_header_timeout" "client_header_buffer_size" "large_client_header_buffers" "max_headers"
        "ignore_invalid_headers" "merge_slashes" "underscores_in_headers" "client_body_early_read";
    not_yet &[HTTP], "this part of proxying" =>
        "proxy_cache_path";
    not_yet &[LOCATION, LOCATION_IF, LIMIT_EXCEPT], "this part of proxying" =>
        "proxy_pass";
    not_yet LOCATIONS, "this part of proxying" =>
        "proxy_redirect" "proxy_cookie_domain" "proxy_cookie_path" "proxy_cookie_flags" "proxy_store"
        "proxy_store_access" "proxy_buffering" "proxy_request_buffering" "proxy_ignore_client_abort"
        "proxy_bind" "proxy_socket_keepalive" "proxy_socket_rcvbuf" "proxy_socket_sndbuf"
        "proxy_connect_timeout" "proxy_send_timeout" "proxy_send_lowat" "proxy_intercept_errors"
        "proxy_set_header" "proxy_set_body" "proxy_method" "proxy_pass_request_headers"
        "proxy_pass_request_body" "proxy_pass_trailers" "proxy_buffer_size" "proxy_read_timeout"
        "proxy_buffers" "proxy_busy_buffers_size" "proxy_force_ranges" "proxy_limit_rate" "proxy_cache"
        "proxy_cache_key" "proxy_cache_bypass" "proxy_no_cache" "proxy_cache_valid" "proxy_cache_min_uses"
        "proxy_cache_max_range_offset" "proxy_cache_use_stale" "proxy_cache_methods" "proxy_cache_lock"
        "proxy_cache_lock_timeout" "proxy_cache_lock_age" "proxy_cache_revalidate"
        "proxy_cache_convert_head" "proxy_cache_background_update" "proxy_max_temp_file_size"
        "proxy_next_upstream" "proxy_next_upstream_tries" "proxy_next_upstream_timeout" "proxy_pass_header"
        "proxy_hide_header" "proxy_ignore_headers" "proxy_http_version" "proxy_ssl_protocols"
        "proxy_ssl_ciphers" "proxy_ssl_name" "proxy_ssl_server_name" "proxy_ssl_verify"
        "proxy_ssl_verify_depth" "proxy_ssl_trusted_certificate" "proxy_ssl_crl" "proxy_ssl_certificate"
        "proxy_ssl_certificate_key" "proxy_ssl_password_file" "proxy_ssl_conf_command";
    not_yet LOCATIONS, "unpacking for clients that cannot" =>
        "gunzip" "gunzip_buffers";
    not_yet &[HTTP], "uwsgi servers" =>
        "uwsgi_cache_path";
    not_yet &[LOCATION, LOCATION_IF], "uwsgi servers" =>
        "uwsgi_pass";
    not_yet LOCATIONS, "uwsgi servers" =>
        "uwsgi_modifier1" "uwsgi_modifier2" "uwsgi_store" "uwsgi_store_access" "uwsgi_buffering"
        "uwsgi_request_buffering" "uwsgi_ignore_client_abort" "uwsgi_bind" "uwsgi_socket_keepalive"
        "uwsgi_socket_rcvbuf" "uwsgi_socket_sndbuf" "uwsgi_connect_timeout" "uwsgi_send_timeout"
        "uwsgi_buffer_size" "uwsgi_pass_request_headers" "uwsgi_pass_request_body" "uwsgi_intercept_errors"
        "uwsgi_read_timeout" "uwsgi_buffers" "uwsgi_busy_buffers_size" "uwsgi_force_ranges"
        "uwsgi_limit_rate" "uwsgi_cache" "uwsgi_cache_key" "uwsgi_cache_bypass" "uwsgi_no_cache"
        "uwsgi_cache_valid" "uwsgi_cache_min_uses" "uwsgi_cache_max_range_offset" "uwsgi_cache_use_stale"
        "uwsgi_cache_methods" "uwsgi_cache_lock" "uwsgi_cache_lock_timeout" "uwsgi_cache_lock_age"
        "uwsgi_cache_revalidate" "uwsgi_cache_background_update" "uwsgi_next_upstream"
        "uwsgi_next_upstream_tries" "uwsgi_next_upstream_timeout" "uwsgi_param" "uwsgi_string"
        "uwsgi_pass_header" "uwsgi_hide_header" "uwsgi_ignore_headers" "uwsgi_ssl_session_reuse"
        "uwsgi_ssl_protocols" "uwsgi_ssl_ciphers" "uwsgi_ssl_name" "uwsgi_ssl_server_name"
        "uwsgi_ssl_verify" "uwsgi_ssl_verify_depth" "uwsgi_ssl_trusted_certificate" "uwsgi_ssl_crl"
        "uwsgi_ssl_certificate" "uwsgi_ssl_certificate_key" "uwsgi_ssl_certificate_cache"
        "uwsgi_ssl_password_file" "uwsgi_ssl_conf_command";
    not_yet LOCATIONS, "variables about old browsers" =>
        "modern_browser" "ancient_browser" "modern_browser_value" "ancient_browser_value";
    not_yet &[LOCATION], "nginx Plus has it, Mainstay does not yet" =>
        "api" "status" "hls" "f4f" "js_content" "internal_redirect" "mgmt";
    not_yet LOCATIONS, "nginx Plus has it, Mainstay does not yet" =>
        "health_check" "auth_jwt" "auth_jwt_key_file" "auth_jwt_key_request" "auth_jwt_require" "status_zone"
        "session_log" "proxy_cache_purge" "js_header_filter" "js_body_filter" "js_set" "js_import" "js_var"
        "internal_redirect" "auth_oidc";
    not_yet &[HTTP], "nginx Plus has it, Mainstay does not yet" =>
        "keyval" "keyval_zone" "session_log_zone" "session_log_format" "match" "oidc_provider";
    not_yet &[UPSTREAM], "nginx Plus has it, Mainstay does not yet" =>
        "queue" "state" "ntlm";
};
