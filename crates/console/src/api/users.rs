//! `/api/users`

use super::body::Body;
use super::error::ApiError;
use super::{Call, Outcome, Reply, access};
use crate::request::Method;
use cluster::{PasswordHash, User};
use serde_json::{Value, json};
use store::offload;

/// The algorithm of hashes that do not name theirs.
const ALGORITHM: &str = "rabbit_password_hashing_sha256";

pub(super) async fn handle(call: &Call<'_>, path: &[&str]) -> Outcome {
    access::administrator(call.user)?;
    let topology = &call.topology;
    match (call.head.method, path) {
        (Method::Get, []) => {
            let users = topology.users().map(|user| shown(user));
            Ok(Reply::List(users.collect()))
        }
        (Method::Get, ["without-permissions"]) => {
            let users = topology
                .users()
                .filter(|user| topology.permissions_of(&user.name).next().is_none());
            Ok(Reply::List(users.map(|user| shown(user)).collect()))
        }
        (Method::Get, [name]) => {
            let user = topology.user(name).ok_or(ApiError::NotFound)?;
            Ok(Reply::One(shown(user)))
        }
        (Method::Put, [name]) => put(call, name).await,
        (Method::Delete, [name]) => {
            call.api.catalog.delete_user(name).await?;
            Ok(Reply::Done)
        }
        (_, [] | [_]) => Err(ApiError::Method),
        _ => Err(ApiError::NotFound),
    }
}

async fn put(call: &Call<'_>, name: &str) -> Outcome {
    let body = Body::parse(call.body)?;
    let password = match (body.text("password")?, body.text("password_hash")?) {
        (Some(_), Some(_)) => {
            let reason = "both_password_and_password_hash_are_provided";
            return Err(ApiError::BadRequest(reason.to_owned()));
        }
        (Some(password), None) => hash(call, password).await?,
        (None, _) => imported(&body)?,
    };
    let tags = tags(&body)?.ok_or(ApiError::BadRequest("tags_not_present".to_owned()))?;
    let user = User {
        name: name.into(),
        password,
        tags,
    };
    Ok(Reply::put(call.api.catalog.put_user(user).await?))
}

async fn hash(call: &Call<'_>, password: &str) -> Result<PasswordHash, ApiError> {
    let (password, salt) = (password.to_owned(), call.api.entropy.random());
    let hashed = offload(&*call.api.pool, move || {
        PasswordHash::new(password.as_bytes(), salt)
    });
    let stopping = || ApiError::Unavailable("the process is stopping".to_owned());
    hashed.await.ok_or_else(stopping)
}

/// The hash in a user's JSON; without one no password fits.
pub(super) fn imported(body: &Body) -> Result<PasswordHash, ApiError> {
    let Some(hash) = body.text("password_hash")? else {
        return Ok(PasswordHash::none());
    };
    let algorithm = body.text("hashing_algorithm")?.unwrap_or(ALGORITHM);
    PasswordHash::import(algorithm, hash).map_err(|error| ApiError::BadRequest(error.to_string()))
}

/// Tags, as a list or as a text with commas.
pub(super) fn tags(body: &Body) -> Result<Option<Vec<String>>, ApiError> {
    let malformed = || ApiError::BadRequest("tags: expected a list of strings".to_owned());
    match body.get("tags") {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(
            text.split(',')
                .map(str::trim)
                .filter(|tag| !tag.is_empty())
                .map(str::to_owned)
                .collect(),
        )),
        Some(Value::Array(tags)) => {
            let tags = tags.iter().map(|tag| tag.as_str().map(str::to_owned));
            let tags: Option<Vec<_>> = tags.collect();
            tags.map(Some).ok_or_else(malformed)
        }
        Some(_) => Err(malformed()),
    }
}

pub(super) fn shown(user: &User) -> Value {
    let (algorithm, hash) = user.password.export();
    json!({
        "name": &*user.name,
        "password_hash": hash,
        "hashing_algorithm": algorithm,
        "tags": user.tags,
        "limits": {},
    })
}
