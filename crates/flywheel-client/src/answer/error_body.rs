//! The words of a server in an answer that reports an error.
//!
//! Owns what of them is passed on: plain text. Never mark-up, never what a server echoes of a
//! request.

use serde_json::Value;

use crate::error::shortened;

/// The server's own words in an error body, whatever its form.
pub struct ErrorBody {
    /// Not shortened: what was sent is taken out of it first.
    pub message: String,
    pub request_id: Option<String>,
}

impl ErrorBody {
    pub fn read(body: &[u8]) -> Self {
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else {
            return Self {
                message: plain_text(body).trim().to_owned(),
                request_id: None,
            };
        };
        let text = |name: &str| {
            members
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.trim().is_empty())
        };
        let detail = members
            .get("detail")
            .and_then(validation_messages);
        let message = text("message")
            .map(str::to_owned)
            .or(detail)
            .or_else(|| text("detail").map(str::to_owned));
        let message = plain_text(
            message
                .unwrap_or_default()
                .as_bytes(),
        );
        Self {
            message: message.trim().to_owned(),
            request_id: text("request_id").map(shortened),
        }
    }
}

/// The list form of `detail`: only what is said, never the `input` that newer servers echo.
fn validation_messages(detail: &Value) -> Option<String> {
    let messages: Vec<&str> = detail
        .as_array()?
        .iter()
        .filter_map(|entry| entry.get("msg")?.as_str())
        .collect();
    Some(messages.join("; "))
}

/// The visible text of an error page: its title if it has one, else nothing but short plain text.
fn plain_text(body: &[u8]) -> String {
    let head = String::from_utf8_lossy(body.get(..4096).unwrap_or(body)).into_owned();
    let lower = head.to_ascii_lowercase();
    if let Some((before, rest)) = lower.split_once("<title>") {
        let start = before.len() + "<title>".len();
        let end = start + rest.find('<').unwrap_or_default();
        return head
            .get(start..end)
            .unwrap_or_default()
            .to_owned();
    }
    let is_page = lower.trim_start().starts_with('<')
        || lower.contains("<html")
        || lower.contains("<!doctype");
    if is_page { String::new() } else { head }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use bytes::Bytes;

    use crate::answer::Answer;

    fn message_of(status: u16, body: &str) -> String {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Answer {
            host: "site.example".into(),
            status,
            body,
            retry_after: None,
            location: None,
            etag: None,
            range: None,
        }
        .successful()
        .unwrap_err()
        .to_string()
    }

    #[test]
    fn error_bodies_of_every_kind_become_short_plain_text() {
        for (body, line) in [
            (
                r#"{"message":"no\nsuch","request_id":"r-1"}"#,
                "site.example answered 404: no\nsuch (request id r-1)",
            ),
            (r#"{"detail":"gone"}"#, "site.example answered 404: gone"),
            (
                r#"{"detail":[{"loc":["a"],"msg":"field required","input":"DOE"}]}"#,
                "site.example answered 404: field required",
            ),
            (
                "<html><head><title>502 Bad Gateway</title></head>",
                "site.example answered 404: 502 Bad Gateway",
            ),
            (
                "<HTML><TITLE>Not\nhere</TITLE>",
                "site.example answered 404: Not\nhere",
            ),
            ("<html>\u{1b}[2J", "site.example answered 404"),
            ("\u{feff}<html><body>no</body>", "site.example answered 404"),
            ("Oops <!DOCTYPE html><p>no", "site.example answered 404"),
            ("<title>", "site.example answered 404"),
            ("", "site.example answered 404"),
            (
                r#"{"message":"<html>no</html>"}"#,
                "site.example answered 404",
            ),
            ("[1,2]", "site.example answered 404: [1,2]"),
        ] {
            assert_eq!(message_of(404, body), line);
        }
        assert!(
            message_of(404, &"x".repeat(100_000))
                .chars()
                .count()
                < 400
        );
    }
}
