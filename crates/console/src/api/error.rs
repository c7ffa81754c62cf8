//! Why a request is not done, as RabbitMQ's management API says it.

use crate::answer::Answer;
use crate::hosts::Refusal;
use cluster::TopologyError;
use serde_json::json;

/// An error of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// 400
    BadRequest(String),
    /// 400 with a word of its own.
    Invalid(&'static str, String),
    /// 401: name or password are wrong.
    Login,
    /// 401: the user is known and may not do that.
    NotAuthorised(String),
    /// 404
    NotFound,
    /// 404 with what was not found.
    Missing(String),
    /// 405
    Method,
    /// 503
    Unavailable(String),
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.parts().2)
    }
}

impl ApiError {
    pub(crate) fn answer(&self) -> Answer {
        if *self == Self::Method {
            return Answer::empty(405);
        }
        let (status, error, reason) = self.parts();
        let mut answer = Answer::json(status, &json!({ "error": error, "reason": reason }));
        answer.challenge = *self == Self::Login;
        answer
    }

    /// Status, error and reason.
    fn parts(&self) -> (u16, &str, &str) {
        match self {
            Self::BadRequest(reason) => (400, "bad_request", reason.as_str()),
            Self::Invalid(error, reason) => (400, *error, reason.as_str()),
            Self::Login => (401, "not_authorized", "Login failed"),
            Self::NotAuthorised(reason) => (401, "not_authorised", reason.as_str()),
            Self::NotFound => (404, "Object Not Found", "Not Found"),
            Self::Missing(reason) => (404, "not_found", reason.as_str()),
            Self::Method => (405, "method_not_allowed", "Method Not Allowed"),
            Self::Unavailable(reason) => (503, "service_unavailable", reason.as_str()),
        }
    }
}

impl From<TopologyError> for ApiError {
    fn from(error: TopologyError) -> Self {
        match error {
            TopologyError::NoVhost => Self::Missing("vhost_not_found".to_owned()),
            TopologyError::NoUser | TopologyError::NoExchange | TopologyError::NoQueue => {
                Self::NotFound
            }
            TopologyError::InUse | TopologyError::TooLong(..) | TopologyError::TooMany(..) => {
                Self::BadRequest(error.to_string())
            }
            TopologyError::Predeclared => Self::refused(),
            TopologyError::Closed(_) => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound(reason) => Self::Missing(reason),
            Refusal::Precondition(reason) => Self::BadRequest(reason),
            Refusal::Access(reason) => Self::NotAuthorised(reason),
            Refusal::Unavailable(reason) => Self::Unavailable(reason),
        }
    }
}

impl ApiError {
    /// What RabbitMQ says to whoever lacks a permission.
    pub(crate) fn refused() -> Self {
        Self::NotAuthorised("Access refused.".to_owned())
    }
}
