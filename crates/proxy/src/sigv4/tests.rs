use record::Timestamp;

use super::*;

/// 2015-08-30T12:36:00Z, as in AWS's published values.
struct At;

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp(1_440_938_160_000_000)
    }
}

fn signing(service: &str, region: &str) -> Signing {
    Signing {
        region: region.to_owned(),
        service: service.to_owned(),
        keys: AwsKeySource::new(|| async { Err("asked by nobody".to_owned()) }),
        clock: Arc::new(At),
    }
}

fn keys(token: Option<&str>) -> AwsKeys {
    AwsKeys::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", token)
}

fn map(headers: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    map
}

fn signature(headers: &HeaderMap) -> &str {
    headers["authorization"].to_str().unwrap().rsplit_once("Signature=").unwrap().1
}

#[test]
fn published_values_come_out() {
    let form = "application/x-www-form-urlencoded";
    let utf8 = "application/x-www-form-urlencoded; charset=utf-8";
    // AWS's test suite for SigV4, and the example of its manual (the last one).
    for (service, method, host, target, kind, body, expected) in [
        (
            "service",
            Method::GET,
            "example.amazonaws.com",
            "/",
            None,
            "",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "service",
            Method::POST,
            "example.amazonaws.com",
            "/",
            None,
            "",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "service",
            Method::POST,
            "example.amazonaws.com",
            "/",
            Some(form),
            "Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
        (
            "iam",
            Method::GET,
            "iam.amazonaws.com",
            "/?Action=ListUsers&Version=2010-05-08",
            Some(utf8),
            "",
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ] {
        let mut headers = map(&[("host", host)]);
        if let Some(kind) = kind {
            headers.insert("content-type", kind.parse().unwrap());
        }
        let target: Uri = target.parse().unwrap();
        let signing = signing(service, "us-east-1");
        signing.sign(&keys(None), &method, &target, &mut headers, digest(body)).unwrap();
        assert_eq!(signature(&headers), expected, "{service} {method} {target}");
        assert_eq!(headers["x-amz-date"], "20150830T123600Z");
    }
}

fn digest(body: &str) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(body.as_bytes()).into()
}

#[test]
fn model_ids_are_encoded_a_second_time() {
    // Computed with botocore's signer. The colon is %3A on the wire, %253A in what is signed.
    let model = "anthropic.claude-3-haiku-20240307-v1";
    let arn = "arn%3Aaws%3Abedrock%3Aeu-central-1%3A123456789012%3Ainference-profile%2Feu.amazon.nova-lite-v1%3A0";
    for (target, expected) in [
        (
            format!("/model/{model}%3A0/converse"),
            "6d6341964755c28321b0ce87e71b0299e15e97888b70739b51565a9436c154e5",
        ),
        (
            format!("/model/{arn}/invoke"),
            "ec55e7610c381e33237f951d3177a7864cf683fcbfe40b4afa6339251e626dd3",
        ),
        (
            format!("/model/{model}:0/converse"),
            "088ec9801f784836484141f4894ffd7229c6e4a0b367a03994c06d06e8e17b52",
        ),
        (
            "/model/a~b_c.d-e/converse".to_owned(),
            "0999eb3d30a4f4e58fdd7f47a0e535d2a61a410df145d0a17915e83e5b4ff318",
        ),
    ] {
        let mut headers = map(&[
            ("host", "bedrock-runtime.eu-central-1.amazonaws.com"),
            ("content-type", "application/json"),
            ("x-amzn-bedrock-trace", "ENABLED"),
            // Of the client, or of somebody on the way.
            ("authorization", "AWS4-HMAC-SHA256 Credential=AKIACLIENT/x, Signature=client"),
            ("x-amz-date", "20990101T000000Z"),
            ("x-amz-security-token", "client"),
            ("x-amz-content-sha256", "client"),
            ("user-agent", "Boto3/1"),
            ("x-amzn-trace-id", "Root=1"),
            ("accept", "application/json"),
            ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ]);
        let parsed: Uri = target.parse().unwrap();
        signing("bedrock", "eu-central-1")
            .sign(
                &keys(Some("token/+=")),
                &Method::POST,
                &parsed,
                &mut headers,
                digest("{\"a\":1}"),
            )
            .unwrap();
        assert_eq!(signature(&headers), expected, "{target}");
        assert_eq!(headers["x-amz-security-token"], "token/+=");
        assert!(headers["authorization"].is_sensitive());
        assert!(!headers.contains_key("x-amz-content-sha256"));
        for left in ["user-agent", "x-amzn-trace-id", "accept", "traceparent"] {
            assert!(headers.contains_key(left), "{left}");
        }
        assert!(!headers.values().any(|value| value.as_bytes().ends_with(b"client")));
    }
}

#[test]
fn what_is_no_text_is_passed_and_not_signed() {
    let mut headers = map(&[("host", "example.amazonaws.com")]);
    headers.insert("x-amzn-odd", HeaderValue::from_bytes(b"\xff").unwrap());
    let signing = signing("bedrock", "us-east-1");
    signing.sign(&keys(None), &Method::GET, &"/".parse().unwrap(), &mut headers, [0; 32]).unwrap();
    assert!(headers.contains_key("x-amzn-odd"));
    assert!(headers["authorization"].to_str().unwrap().contains("SignedHeaders=host;x-amz-date,"));
}

#[test]
fn signatures_and_bare_calls_are_ours_and_keys_are_not() {
    assert!(is_ours(&map(&[])));
    assert!(is_ours(&map(&[("authorization", "")])));
    assert!(is_ours(&map(&[("authorization", "AWS4-HMAC-SHA256 Credential=A/b")])));
    assert!(is_ours(&map(&[("authorization", "AWS4-ECDSA-P256-SHA256 Credential=A/b")])));
    assert!(!is_ours(&map(&[("authorization", "Bearer bedrock-api-key-x")])));
    assert!(!is_ours(&map(&[("authorization", "Basic x")])));
    assert!(is_signed_in_pieces(&map(&[(
        "x-amz-content-sha256",
        "STREAMING-AWS4-HMAC-SHA256-EVENTS"
    )])));
    assert!(!is_signed_in_pieces(&map(&[("x-amz-content-sha256", "0a")])));
}

#[test]
fn presigned_queries_lose_their_signature_and_nothing_else() {
    assert_eq!(unsigned("a=1&b").as_deref(), Some("a=1&b"));
    let presigned = "X-Amz-Algorithm=AWS4-HMAC-SHA256&a=1&X-Amz-Credential=AKIA%2F2026&X-Amz-Date=x\
                     &X-Amz-Expires=60&X-Amz-SignedHeaders=host&X%2DAmz-Signature=f&x-amz-other=2";
    assert_eq!(unsigned(presigned).as_deref(), Some("a=1&x-amz-other=2"));
    assert_eq!(unsigned("X-Amz-Signature=f"), None);
}

#[test]
fn the_key_that_signed_is_found() {
    let header = |value: &str| access_key_id(&map(&[("authorization", value)]), None);
    let full = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, \
                SignedHeaders=host, Signature=f";
    assert_eq!(header(full).as_deref(), Some("AKIDEXAMPLE"));
    let tight = "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=AKIDEXAMPLE/x,Signature=f";
    assert_eq!(header(tight).as_deref(), Some("AKIDEXAMPLE"));
    for none in ["Bearer Credential=x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 Credential=/x"] {
        assert_eq!(header(none), None, "{none}");
    }
    let query = Some("a=1&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1&X-Amz-Signature=f");
    assert_eq!(access_key_id(&map(&[]), query).as_deref(), Some("AKIDEXAMPLE"));
    assert_eq!(access_key_id(&map(&[("authorization", "Bearer x")]), query), None);
}
