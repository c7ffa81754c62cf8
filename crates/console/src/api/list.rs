//! What a client may ask of a list: a page of it, some columns, a filter, an order.

use super::access::compile;
use super::error::ApiError;
use crate::request::Head;
use serde_json::{Value, json};
use std::cmp::Ordering;

/// Elements of a page where the client does not say.
const PAGE_SIZE: usize = 100;
/// Most elements of a page, as in RabbitMQ.
const PAGE_SIZE_MAX: usize = 500;

/// Arranges a list as the query wants it; as one page where it asks for one.
pub(crate) fn arrange(mut items: Vec<Value>, head: &Head) -> Result<Value, ApiError> {
    let invalid = || ApiError::BadRequest("Pagination parameters are invalid".to_owned());
    let total = items.len();
    if let Some(column) = head.query("sort") {
        items.sort_by(|a, b| order(field(a, &column), field(b, &column)));
        if head.flag("sort_reverse") {
            items.reverse();
        }
    }
    let Some(page) = head.query("page") else {
        return Ok(items.into_iter().map(|item| columns(item, head)).collect());
    };
    let page: usize = page.parse().map_err(|_| invalid())?;
    let size = head.query("page_size");
    let size = size.map_or(Ok(PAGE_SIZE), |size| size.parse().map_err(|_| invalid()))?;
    if page == 0 || size == 0 || size > PAGE_SIZE_MAX {
        let reason = format!("Invalid pagination parameters: page number {page}, page size {size}");
        return Err(ApiError::Invalid("invalid_pagination_parameters", reason));
    }
    if let Some(wanted) = head.query("name").filter(|name| !name.is_empty()) {
        if head.flag("use_regex") {
            let pattern = compile(&wanted).map_err(|_| invalid())?;
            items.retain(|item| pattern.is_match(name(item)));
        } else {
            let wanted = wanted.to_lowercase();
            items.retain(|item| name(item).to_lowercase().contains(&wanted));
        }
    }
    let filtered = items.len();
    let first = (page - 1).saturating_mul(size);
    if first >= filtered && page > 1 {
        let reason = format!("Page out of range, page: {page} page size: {size}, len: {filtered}");
        return Err(ApiError::Invalid("page_out_of_range", reason));
    }
    let items: Vec<_> = items.into_iter().skip(first).take(size).collect();
    let items: Vec<_> = items.into_iter().map(|item| columns(item, head)).collect();
    Ok(json!({
        "filtered_count": filtered,
        "item_count": items.len(),
        "items": items,
        "page": page,
        "page_count": filtered.div_ceil(size).max(1),
        "page_size": size,
        "total_count": total,
    }))
}

/// An element with the columns only that the query asks for.
pub(crate) fn columns(item: Value, head: &Head) -> Value {
    let (Some(wanted), Value::Object(fields)) = (head.query("columns"), &item) else {
        return item;
    };
    let wanted: Vec<_> = wanted.split(',').collect();
    let kept = fields
        .iter()
        .filter(|(name, _)| wanted.contains(&name.as_str()));
    Value::Object(
        kept.map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

fn field<'a>(item: &'a Value, column: &str) -> &'a Value {
    column.split('.').fold(item, |value, part| &value[part])
}

fn name(item: &Value) -> &str {
    item["name"].as_str().unwrap_or_default()
}

/// Numbers by size, everything else by its text.
fn order(a: &Value, b: &Value) -> Ordering {
    match (a.as_f64(), b.as_f64(), a.as_str(), b.as_str()) {
        (Some(a), Some(b), ..) => a.total_cmp(&b),
        (_, _, Some(a), Some(b)) => a.cmp(b),
        _ => a.to_string().cmp(&b.to_string()),
    }
}
