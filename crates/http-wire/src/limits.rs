//! What a head may cost.

/// The largest head that any configuration gets: offsets are 32 bits, and nobody has use for more.
pub const HEAD_LEN_MAX: usize = 64 << 20;

/// The bounds of a request head and the choices that nginx leaves to a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request line with its end; 414 where it does not fit (`large_client_header_buffers`).
    pub line_len_max: usize,
    /// Bytes of a field line with its end; 494 where it does not fit (`large_client_header_buffers`).
    pub field_len_max: usize,
    /// Bytes of the whole head; 494 beyond that. At most [`HEAD_LEN_MAX`] counts.
    pub head_len_max: usize,
    /// How many fields; 494 beyond that (`max_headers`).
    pub fields_max: usize,
    /// Whether a field whose name has odd characters is dropped, as `ignore_invalid_headers` has it; it is kept otherwise.
    pub ignore_invalid_headers: bool,
    /// Whether `_` is an ordinary character of a name (`underscores_in_headers`).
    pub underscores_in_headers: bool,
    /// Whether a line may end with a line feed alone, as nginx accepts; 400 otherwise.
    pub bare_lf: bool,
}

impl Default for Limits {
    /// What nginx has without configuration, and strict line ends.
    fn default() -> Self {
        Self {
            line_len_max: 8 << 10,
            field_len_max: 8 << 10,
            head_len_max: (1 << 10) + 4 * (8 << 10),
            fields_max: 1000,
            ignore_invalid_headers: true,
            underscores_in_headers: false,
            bare_lf: false,
        }
    }
}

/// The bounds of a response head; line ends of upstreams may be bare line feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseLimits {
    /// Bytes of the whole head (`proxy_buffer_size`).
    pub head_len_max: usize,
    /// How many fields.
    pub fields_max: usize,
}

impl Default for ResponseLimits {
    fn default() -> Self {
        Self {
            head_len_max: 4 << 10,
            fields_max: 1000,
        }
    }
}
