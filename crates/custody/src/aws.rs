//! Upstreams whose calls are signed with AWS keys of the collector's own.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use anyhow::anyhow;
use keys::{AwsChain, Environment, NoAwsKeys};
use ledger::SystemClock;
use proxy::{AwsKeySource, AwsKeys, BaseUrl, Signing};

use crate::config;

/// The built-in upstream that is signed unless it says otherwise.
pub(crate) const BEDROCK: &str = "bedrock";
const REGION: &str = "us-east-1";

/// Variables by name; empty ones are none.
pub(crate) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The process's variables.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where the built-in upstream `bedrock` is.
pub(crate) fn bedrock(variables: Variables<'_>, listen: SocketAddr) -> anyhow::Result<String> {
    const NAME: &str = "AWS_ENDPOINT_URL_BEDROCK_RUNTIME";
    if let Some(endpoint) = variables(NAME) {
        let base: BaseUrl = endpoint.parse().map_err(|error: String| anyhow!("{NAME}: {error}"))?;
        if is_own(&base, listen) {
            return Err(anyhow!(
                "{NAME} = {endpoint:?} is Custody's own address: set it for the applications, not \
                 for the recorder"
            ));
        }
        return Ok(endpoint);
    }
    let region = region_of_environment(variables).unwrap_or_else(|| REGION.to_owned());
    let domain = if region.starts_with("cn-") { ".cn" } else { "" };
    Ok(format!("https://bedrock-runtime.{region}.amazonaws.com{domain}"))
}

fn is_own(base: &BaseUrl, listen: SocketAddr) -> bool {
    let here = base.host() == listen.ip().to_string()
        || (base.host() == "localhost" && listen.ip().is_loopback());
    here && base.port() == listen.port()
}

/// What stands there may be the region of another server's bucket (`garage`, `auto`): what cannot be
/// one of AWS's is passed over.
fn region_of_environment(variables: Variables<'_>) -> Option<String> {
    let region = |name| variables(name).filter(|region| is_region(region));
    region("AWS_REGION").or_else(|| region("AWS_DEFAULT_REGION"))
}

fn is_region(text: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.contains('-') && text.chars().all(good)
}

/// `bedrock-runtime.REGION.amazonaws.com`, and the like behind a VPC endpoint or `api.aws`.
fn region_of_host(host: &str) -> Option<String> {
    let aws = [".amazonaws.com", ".amazonaws.com.cn", ".api.aws"];
    if !aws.iter().any(|domain| host.ends_with(domain)) {
        return None;
    }
    let mut labels = host.split('.').skip_while(|label| !label.starts_with("bedrock")).skip(1);
    labels.next().filter(|label| is_region(label)).map(str::to_owned)
}

/// How calls to this upstream are signed, if they are. `keys` is asked by no upstream that passes
/// calls as they are.
pub(crate) fn signing(
    upstream: &config::UpstreamConfig,
    base: &BaseUrl,
    keys: &AwsKeySource,
    variables: Variables<'_>,
) -> anyhow::Result<Option<Signing>> {
    let default = if upstream.name == BEDROCK { "aws-sigv4" } else { "passthrough" };
    match upstream.auth.as_deref().unwrap_or(default) {
        "aws-sigv4" => {}
        "passthrough" => {
            for (name, value) in [("region", &upstream.region), ("service", &upstream.service)] {
                if let Some(value) = value {
                    return Err(anyhow!(
                        "{name} = {value:?} is for auth = \"aws-sigv4\", and this upstream's calls \
                         pass as they are"
                    ));
                }
            }
            return Ok(None);
        }
        other => return Err(anyhow!("auth = {other:?}; known: passthrough, aws-sigv4")),
    }
    if let Some(region) = upstream.region.as_ref().filter(|region| !is_region(region)) {
        return Err(anyhow!("region = {region:?} is no region such as eu-central-1"));
    }
    let region = upstream
        .region
        .clone()
        .or_else(|| region_of_host(base.host()))
        .or_else(|| region_of_environment(variables))
        .or_else(|| (upstream.name == BEDROCK).then(|| REGION.to_owned()))
        .ok_or_else(|| anyhow!("auth = \"aws-sigv4\" needs a region: set region, or AWS_REGION"))?;
    let service = upstream.service.clone().unwrap_or_else(|| "bedrock".to_owned());
    if service.is_empty() || !service.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(anyhow!("service = {service:?} is no service such as bedrock"));
    }
    Ok(Some(Signing { region, service, keys: keys.clone(), clock: Arc::new(SystemClock) }))
}

/// The keys of this process, one source for all upstreams. Nothing is read or asked before a call
/// needs them.
pub(crate) fn keys(variables: Variables<'_>) -> AwsKeySource {
    let region = region_of_environment(variables).unwrap_or_else(|| REGION.to_owned());
    let chain: Arc<OnceLock<Result<AwsChain, NoAwsKeys>>> = Arc::default();
    AwsKeySource::new(move || {
        let (chain, region) = (Arc::clone(&chain), region.clone());
        async move {
            let chain = chain.get_or_init(|| AwsChain::of(&Environment::process(), &region));
            let chain = chain.as_ref().map_err(ToString::to_string)?;
            let keys = chain.keys().await.map_err(|error| error.to_string())?;
            Ok(AwsKeys::new(&keys.id, &keys.secret, keys.token.as_deref().map(String::as_str)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTEN: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);

    fn at(variables: &[(&str, &str)]) -> anyhow::Result<String> {
        let get = |name: &str| {
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        };
        bedrock(&get, LISTEN.into())
    }

    fn signed(name: &str, base: &str, auth: Option<&str>, region: Option<&str>) -> String {
        let upstream = config::UpstreamConfig {
            name: name.to_owned(),
            base_url: base.to_owned(),
            format: "auto".to_owned(),
            mode: None,
            retention: "standard".to_owned(),
            auth: auth.map(str::to_owned),
            region: region.map(str::to_owned),
            service: None,
        };
        let keys = AwsKeySource::new(|| async { Err(String::new()) });
        match signing(&upstream, &base.parse().unwrap(), &keys, &|_| None) {
            Ok(signing) => format!("{signing:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn bedrock_follows_the_environment() {
        let aws = "https://bedrock-runtime";
        assert_eq!(at(&[]).unwrap(), format!("{aws}.us-east-1.amazonaws.com"));
        assert_eq!(
            at(&[("AWS_REGION", "eu-west-1"), ("AWS_DEFAULT_REGION", "us-west-2")]).unwrap(),
            format!("{aws}.eu-west-1.amazonaws.com")
        );
        assert_eq!(
            at(&[("AWS_DEFAULT_REGION", "cn-north-1")]).unwrap(),
            format!("{aws}.cn-north-1.amazonaws.com.cn")
        );
        let name = "AWS_ENDPOINT_URL_BEDROCK_RUNTIME";
        assert_eq!(at(&[(name, "http://127.0.0.1:9")]).unwrap(), "http://127.0.0.1:9");
        for other in ["garage", "auto", "evil.example/x-"] {
            assert_eq!(at(&[("AWS_REGION", other)]).unwrap(), at(&[]).unwrap());
        }
        for (variable, value) in [
            (name, "http://127.0.0.1:8080/bedrock"),
            (name, "http://localhost:8080/bedrock"),
            (name, "nowhere"),
        ] {
            let error = at(&[(variable, value)]).unwrap_err().to_string();
            assert!(error.contains(variable), "{value}: {error}");
        }
    }

    #[test]
    fn the_region_is_in_the_host() {
        for (host, region) in [
            ("bedrock-runtime.us-east-1.amazonaws.com", Some("us-east-1")),
            ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", Some("us-gov-west-1")),
            ("bedrock-runtime.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("vpce-1.bedrock-runtime.eu-west-1.vpce.amazonaws.com", Some("eu-west-1")),
            ("bedrock-mantle.us-east-2.api.aws", Some("us-east-2")),
            ("bedrock.us-east-1.example.com", None),
            ("bedrock.amazonaws.com", None),
            ("127.0.0.1", None),
        ] {
            assert_eq!(region_of_host(host).as_deref(), region, "{host}");
        }
    }

    #[test]
    fn who_is_signed_and_for_where() {
        let aws = "https://bedrock-runtime.eu-west-1.amazonaws.com";
        let own = "http://127.0.0.1:9";
        let sigv4 = Some("aws-sigv4");
        let west = "Some(Signing(bedrock in eu-west-1, …))";
        assert_eq!(signed("bedrock", aws, None, None), west);
        assert_eq!(signed("bedrock", own, None, None), west.replace("eu-west-1", "us-east-1"));
        assert_eq!(signed("bedrock", own, None, Some("eu-west-1")), west);
        assert_eq!(signed("bedrock", aws, Some("passthrough"), None), "None");
        assert_eq!(signed("other", aws, None, None), "None");
        assert_eq!(signed("other", aws, sigv4, None), west);
        assert!(signed("other", own, sigv4, None).contains("needs a region"));
        assert!(signed("other", own, sigv4, Some("Nowhere")).contains("no region"));
        assert!(signed("other", own, None, Some("eu-west-1")).contains("aws-sigv4"));
        assert!(signed("other", own, Some("sigv4"), None).contains("known: passthrough"));
    }
}
