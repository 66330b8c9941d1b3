//! AWS access keys, found as AWS's own clients find them: in variables, for a web identity, from the
//! container or from the instance.

use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, AwsCredentialProvider};
use object_store::{BackoffConfig, RetryConfig};
use zeroize::Zeroizing;

use crate::provider::Environment;

/// The variables from which AWS's clients take credentials.
const VARIABLES: [&str; 12] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ENDPOINT_URL_STS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_METADATA_ENDPOINT",
    "AWS_ALLOW_HTTP",
];

/// Any of these says that the instance need not be asked.
const BEFORE_INSTANCE: [&str; 4] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// An access key.
pub struct AwsKeys {
    /// Its id, which is no secret.
    pub id: String,
    /// The secret.
    pub secret: Zeroizing<String>,
    /// Of temporary keys: the token that goes with each request.
    pub token: Option<Zeroizing<String>>,
}

/// There are no keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAwsKeys(pub String);

/// Where access keys come from: variables, else a web identity, else the container, else the
/// instance. Nothing is asked before [`keys`](Self::keys).
pub struct AwsChain(AwsCredentialProvider);

impl AwsChain {
    /// From these variables. `region` says which region's STS is asked about a web identity.
    pub fn of(environment: &Environment, region: &str) -> Result<Self, NoAwsKeys> {
        let set = |name: &str| environment.plain(name).is_some();
        let disabled = environment.plain("AWS_EC2_METADATA_DISABLED");
        if disabled.is_some_and(|word| word.eq_ignore_ascii_case("true"))
            && !BEFORE_INSTANCE.iter().any(|name| set(name))
        {
            return Err(NoAwsKeys(
                "no variable names any, and AWS_EC2_METADATA_DISABLED is true".to_owned(),
            ));
        }
        provider(environment, region).map(Self).map_err(|error| NoAwsKeys(error.to_string()))
    }

    /// Keys that are good for five minutes at least, where they end at all. They are remembered:
    /// nobody is asked until then.
    pub async fn keys(&self) -> Result<AwsKeys, NoAwsKeys> {
        let credential =
            self.0.get_credential().await.map_err(|error| NoAwsKeys(error.to_string()))?;
        if !fits_a_header(&credential) {
            return Err(NoAwsKeys(
                "the key's id or its token holds characters that none has".to_owned(),
            ));
        }
        Ok(AwsKeys {
            id: credential.key_id.clone(),
            secret: Zeroizing::new(credential.secret_key.clone()),
            token: credential.token.clone().map(Zeroizing::new),
        })
    }
}

/// The storage client knows how AWS's credentials are found; nothing is stored with it.
pub(crate) fn provider(
    environment: &Environment,
    region: &str,
) -> Result<AwsCredentialProvider, object_store::Error> {
    let retry = RetryConfig {
        max_retries: 2,
        retry_timeout: Duration::from_secs(10),
        backoff: BackoffConfig::default(),
    };
    let mut builder =
        AmazonS3Builder::new().with_bucket_name("unused").with_region(region).with_retry(retry);
    for name in VARIABLES {
        if let Some(value) = environment.plain(name)
            && let Ok(name) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>()
        {
            builder = builder.with_config(name, value);
        }
    }
    Ok(builder.build()?.credentials().clone())
}

/// Whether what is sent of a credential can stand in a header.
pub(crate) fn fits_a_header(credential: &AwsCredential) -> bool {
    let visible = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    visible(&credential.key_id) && credential.token.as_deref().is_none_or(visible)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(variables: &[(&str, &str)]) -> Result<AwsKeys, NoAwsKeys> {
        let variables = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let environment = Environment::of(variables.collect());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { AwsChain::of(&environment, "eu-west-1")?.keys().await })
    }

    #[test]
    fn keys_in_variables_are_found() {
        let pair = [("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        let found = keys(&pair).ok().unwrap();
        assert_eq!((found.id.as_str(), found.secret.as_str()), ("AKIDEXAMPLE", "secret"));
        assert!(found.token.is_none());
        let found = keys(&[pair[0], pair[1], ("AWS_SESSION_TOKEN", "token")]).ok().unwrap();
        assert_eq!(found.token.unwrap().as_str(), "token");
    }

    #[test]
    fn without_keys_it_says_so_without_asking_an_instance_that_is_ruled_out() {
        let said = keys(&[("AWS_EC2_METADATA_DISABLED", "true")]).err().unwrap().to_string();
        assert!(said.contains("AWS_EC2_METADATA_DISABLED"), "{said}");
        let half =
            keys(&[("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"), ("AWS_EC2_METADATA_DISABLED", "1")]);
        assert!(half.is_err());
        let closed = [("AWS_METADATA_ENDPOINT", "http://127.0.0.1:1"), ("AWS_ALLOW_HTTP", "true")];
        assert!(keys(&closed).is_err());
        let bad = [("AWS_ACCESS_KEY_ID", "A\nB"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        assert!(keys(&bad).err().unwrap().to_string().contains("characters"));
    }
}
