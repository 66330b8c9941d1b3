//! Images, sound and files: in the body, by link, or by the provider's id.

use record::{PartKind, Role};
use serde_json::Value;

use crate::taker::Taker;

/// Takes a link or data URL at `path`.
///
/// A data URL is kept whole as `data`, since a reference stands for a whole value, and its media
/// type beside it. Any other link is fetched by the provider, so it is context elsewhere.
pub(crate) fn take_url(
    taker: &mut Taker,
    object: &mut Value,
    path: &[&str],
    role: Role,
    kind: PartKind,
) {
    let Some(url) =
        path.iter().try_fold(&*object, |value, key| value.get(*key)).and_then(Value::as_str)
    else {
        return;
    };
    if let Some(media_type) = data_url_type(url) {
        let media_type = media_type.to_owned();
        let known: &[_] =
            if media_type.is_empty() { &[] } else { &[("media_type", media_type.as_str())] };
        taker.fields(object, role, kind, known, &[("data", path)]);
    } else if !url.is_empty() {
        taker.context_elsewhere = true;
        taker.fields(object, role, PartKind::Uri, &[], &[("uri", path)]);
    }
}

/// Takes content that may be a data URL or bare base64.
pub(crate) fn take_data(
    taker: &mut Taker,
    object: &mut Value,
    path: &[&str],
    role: Role,
    kind: PartKind,
    media_type: Option<&str>,
) {
    let told = path
        .iter()
        .try_fold(&*object, |value, key| value.get(*key))
        .and_then(Value::as_str)
        .and_then(data_url_type)
        .filter(|told| !told.is_empty())
        .or(media_type)
        .map(str::to_owned);
    let known: Vec<_> = told.iter().map(|t| ("media_type", t.as_str())).collect();
    taker.fields(object, role, kind, &known, &[("data", path)]);
}

/// Takes the id of a file that the provider holds.
pub(crate) fn take_file_id(taker: &mut Taker, object: &mut Value, path: &[&str], role: Role) {
    let fields: &[(&'static str, &[&str])] = &[("file_id", path)];
    if taker.fields(object, role, PartKind::File, &[], fields).is_some() {
        taker.context_elsewhere = true;
    }
}

/// The media type of a data URL (RFC 2397); empty when it names none.
fn data_url_type(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("data:")?;
    let head = rest.get(..rest.find(',')?)?;
    Some(head.split(';').next().unwrap_or_default())
}
