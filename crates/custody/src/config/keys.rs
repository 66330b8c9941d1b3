//! `[keys]`: who holds the root key, and how it is reached. No secret stands here.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use keys::{Environment, Options, Provider, RootSource};
use serde::{Deserialize, Serialize};

/// The root key. Where a text is empty, the provider's own environment variable counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeysConfig {
    /// Who holds the root key: `file` (`root.key` in the folder of the keys), `file:PATH`,
    /// `age:PATH`, `env:NAME`, `vault:KEY` or `aws-kms:ARN-or-alias`.
    pub(crate) root: String,
    /// File with the passphrase of `age:`. Empty: `CUSTODY_PASSPHRASE`, else the terminal.
    pub(crate) passphrase_file: String,
    /// Vault's address. Empty: `VAULT_ADDR`, else `https://127.0.0.1:8200`.
    pub(crate) vault_address: String,
    /// Where Vault's transit engine is mounted.
    pub(crate) vault_mount: String,
    /// Vault's namespace. Empty: `VAULT_NAMESPACE`, else none.
    pub(crate) vault_namespace: String,
    /// File with Vault's token. Empty: `VAULT_TOKEN`.
    pub(crate) vault_token_file: String,
    /// AWS region. Empty: that of the key's ARN, else `AWS_REGION` or `AWS_DEFAULT_REGION`.
    pub(crate) aws_region: String,
    /// Address of AWS KMS. Empty: `AWS_ENDPOINT_URL_KMS` or `AWS_ENDPOINT_URL`, else the region's.
    pub(crate) aws_endpoint: String,
}

impl Default for KeysConfig {
    fn default() -> Self {
        Self {
            root: "file".to_owned(),
            passphrase_file: String::new(),
            vault_address: String::new(),
            vault_mount: "transit".to_owned(),
            vault_namespace: String::new(),
            vault_token_file: String::new(),
            aws_region: String::new(),
            aws_endpoint: String::new(),
        }
    }
}

impl KeysConfig {
    /// The provider, for the keys in this folder.
    pub(crate) fn source(&self, keys: &Path) -> anyhow::Result<RootSource> {
        let provider: Provider = self.root.parse().context("[keys] root")?;
        let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let path = |path: &String| text(path).map(PathBuf::from);
        Ok(RootSource {
            provider,
            keys: keys.to_owned(),
            options: Options {
                passphrase_file: path(&self.passphrase_file),
                vault_address: text(&self.vault_address),
                vault_mount: text(&self.vault_mount),
                vault_namespace: text(&self.vault_namespace),
                vault_token_file: path(&self.vault_token_file),
                aws_region: text(&self.aws_region),
                aws_endpoint: text(&self.aws_endpoint),
            },
            environment: Environment::process(),
        })
    }
}
