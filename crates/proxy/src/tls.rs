//! TLS towards providers.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

/// The system's certificate authorities and, where it has none, Mozilla's.
pub(crate) fn client_config() -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        tracing::debug!(%error, "a system certificate could not be read");
    }
    let (added, _) = roots.add_parsable_certificates(native.certs);
    if added == 0 {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_root_certificates(roots.clone()).with_no_client_auth());
    let mut config = config.unwrap_or_else(|_| {
        // The default versions always fit the default provider.
        ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
    });
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}
