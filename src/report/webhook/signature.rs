//! The signature of a call, by which its receiver knows that it comes from us and is fresh.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What a key begins with that is written in base64.
const ENCODED: &str = "whsec_";

/// Reads a key as it is written in its file.
///
/// # Errors
/// When it is empty, or no base64 after `whsec_`; in words for the configuration's author.
pub fn key(text: &str) -> Result<Vec<u8>, String> {
    let text = text.trim();
    let key = match text.strip_prefix(ENCODED) {
        Some(encoded) => STANDARD
            .decode(encoded)
            .map_err(|_| format!("what follows {ENCODED} in secret_file is not base64"))?,
        None => text.as_bytes().to_vec(),
    };
    if key.is_empty() { Err("secret_file is empty".into()) } else { Ok(key) }
}

/// Signs a document: HMAC-SHA256 over `id.timestamp.body`, as Standard Webhooks has it in the head
/// `webhook-signature`.
pub(super) fn sign(key: &[u8], id: &str, seconds: i64, body: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body.as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's reference libraries.
    #[test]
    fn the_specifications_example_comes_out() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
        let body = r#"{"test": 2432232314}"#;
        let signature = sign(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body).unwrap();
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_key_is_read_as_it_is_written() {
        assert_eq!(key(" plain words \n").unwrap(), b"plain words");
        assert_eq!(key("whsec_AAEC").unwrap(), [0, 1, 2]);
        assert!(key("whsec_%").unwrap_err().contains("not base64"));
        assert!(key("whsec_").unwrap_err().contains("empty"));
        assert!(key("\n").unwrap_err().contains("empty"));
    }
}
