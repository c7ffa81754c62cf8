//! Class connection (10): negotiation, opening and closing.

use crate::method::methods;
use crate::short_str::ShortStr;
use crate::table::RawTable;

methods! {
    connection = 10;

    /// Opens the negotiation: what the server is and how a client may authenticate.
    Start<'a> = 10 "start" {
        /// 0.
        version_major: u8,
        /// 9.
        version_minor: u8,
        /// What the server is, and its `capabilities`.
        server_properties: RawTable<'a>,
        /// SASL mechanisms, separated by spaces.
        mechanisms: &'a [u8],
        /// Languages, separated by spaces.
        locales: &'a [u8],
    }

    /// The client says what it is and authenticates.
    StartOk<'a> = 11 "start-ok" {
        /// What the client is, and its `capabilities`.
        client_properties: RawTable<'a>,
        /// The SASL mechanism chosen.
        mechanism: ShortStr<'a>,
        /// The SASL response.
        response: &'a [u8],
        /// The language chosen.
        locale: ShortStr<'a>,
    }

    /// The server asks for another step of authentication.
    Secure<'a> = 20 "secure" {
        /// The SASL challenge.
        challenge: &'a [u8],
    }

    /// The client answers the step.
    SecureOk<'a> = 21 "secure-ok" {
        /// The SASL response.
        response: &'a [u8],
    }

    /// The server proposes limits.
    Tune = 30 "tune" {
        /// The highest channel number; 0 means no limit.
        channel_max: u16,
        /// The largest frame, framing included; 0 means no limit.
        frame_max: u32,
        /// Seconds between signs of life; 0 means none.
        heartbeat: u16,
    }

    /// The client settles the limits.
    TuneOk = 31 "tune-ok" {
        /// The highest channel number; 0 means no limit.
        channel_max: u16,
        /// The largest frame, framing included; 0 means no limit.
        frame_max: u32,
        /// Seconds between signs of life; 0 means none.
        heartbeat: u16,
    }

    /// The client enters a virtual host.
    Open<'a> = 40 "open" {
        /// The virtual host.
        virtual_host: ShortStr<'a>,
        /// Reserved.
        capabilities: ShortStr<'a>,
        /// Reserved.
        insist: bool,
    }

    /// The connection is open.
    OpenOk<'a> = 41 "open-ok" {
        /// Reserved.
        known_hosts: ShortStr<'a>,
    }

    /// Either peer closes the connection and says why.
    Close<'a> = 50 "close" {
        /// Why, as a number: see [`crate::ReplyCode`].
        reply_code: u16,
        /// Why, for people.
        reply_text: ShortStr<'a>,
        /// The class of the method that failed, or 0.
        class_id: u16,
        /// The method that failed, or 0.
        method_id: u16,
    }

    /// The other peer has seen it.
    CloseOk = 51 "close-ok" {}

    /// RabbitMQ: publishers are no longer read.
    Blocked<'a> = 60 "blocked" {
        /// Why, for people.
        reason: ShortStr<'a>,
    }

    /// RabbitMQ: publishers are read again.
    Unblocked = 61 "unblocked" {}

    /// RabbitMQ: the client renews its credentials.
    UpdateSecret<'a> = 70 "update-secret" {
        /// The new credentials.
        new_secret: &'a [u8],
        /// Why, for people.
        reason: ShortStr<'a>,
    }

    /// RabbitMQ: the credentials were renewed.
    UpdateSecretOk = 71 "update-secret-ok" {}
}
