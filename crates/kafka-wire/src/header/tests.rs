use bytes::{Buf, Bytes};
use kafka_protocol::messages as theirs;
use kafka_protocol::protocol::{Decodable, HeaderVersion};

use super::{RequestError, decode_request, decode_response, encode_request, encode_response};
use crate::api::{APIS, ApiMessage, ApiRequest, RequestBody, ResponseBody};
use crate::api_key::ApiKey;
use crate::arbitrary::{Arbitrary, Shape, message};
use crate::error::DecodeError;
use crate::error_code::ErrorCode;
use crate::message::Message;
use crate::messages::api_versions::{ApiVersionsRequest, ApiVersionsResponse};
use crate::messages::heartbeat::HeartbeatRequest;

/// A frame without its length prefix, which is checked.
fn unframe(encoded: crate::encoded::Encoded) -> Bytes {
    let mut frame = encoded.into_bytes();
    let len = frame.get_i32();
    assert_eq!(usize::try_from(len), Ok(frame.len()));
    frame
}

/// A request and its response in all versions go there and back, and the header is the one that the
/// other implementation reads.
fn check<R, O>()
where
    R: ApiRequest + Arbitrary + Default + Clone + PartialEq + Into<RequestBody>,
    R::Response: Arbitrary + Default + PartialEq + std::fmt::Debug + Clone + Into<ResponseBody>,
    O: HeaderVersion,
{
    for version in R::VERSIONS {
        let body: R = message(1, version, Shape::Mixed);
        let frame = unframe(encode_request(version, 77, Some("me"), &body).unwrap());
        let request = decode_request(&frame).unwrap();
        assert_eq!(
            (request.header.api_key, request.header.api_version),
            (R::KEY, version)
        );
        assert_eq!((request.header.correlation_id, request.trailing), (77, 0));
        assert_eq!(request.header.client_id.as_deref(), Some("me"));
        assert_eq!(request.body.key(), R::KEY);
        assert_eq!(request.body, body.into());
        let header_version = if R::format(version).flexible { 2 } else { 1 };
        let header = theirs::RequestHeader::decode(&mut frame.clone(), header_version).unwrap();
        assert_eq!(
            (header.correlation_id, header.client_id.as_deref()),
            (77, Some("me"))
        );

        let answer: R::Response = message(2, version, Shape::Mixed);
        let frame = unframe(encode_response(version, 77, &answer).unwrap());
        let mut rest = frame.clone();
        let header_version = O::header_version(version);
        theirs::ResponseHeader::decode(&mut rest, header_version).unwrap();
        assert_eq!(
            rest,
            answer.encode(version).unwrap().into_bytes(),
            "{} {version}",
            R::NAME
        );
        assert_eq!(
            decode_response::<R>(&frame, version),
            Ok((77, answer.clone()))
        );
        let any: ResponseBody = answer.into();
        assert_eq!(unframe(any.encode(version, 77).unwrap()), frame);
    }
}

#[test]
fn every_request_and_response_travels_behind_the_right_header() {
    macro_rules! each {
        ($(($api:ident, $module:ident, $request:ident, $response:ident))*) => {
            $(check::<crate::messages::$module::$request, theirs::$response>();)*
        };
    }
    crate::api::for_each_api!(each);
}

#[test]
fn flexible_versions_are_those_of_the_response_too() {
    macro_rules! each {
        ($(($api:ident, $module:ident, $request:ident, $response:ident))*) => {
            $({
                use crate::messages::$module::{$request, $response};
                assert_eq!($request::VERSIONS, $response::VERSIONS);
                assert_eq!($request::FLEXIBLE_FROM, $response::FLEXIBLE_FROM);
                assert_eq!($request::KEY, $response::KEY);
            })*
        };
    }
    crate::api::for_each_api!(each);
    assert_eq!(APIS.len(), 27);
}

#[test]
fn api_versions_of_an_unknown_version_can_be_answered() {
    let body = ApiVersionsRequest::default();
    let mut frame = unframe(encode_request(4, 12, Some("new"), &body).unwrap()).to_vec();
    frame[3] = 99;
    let refused = decode_request(&Bytes::from(frame));
    let expected = RequestError::UnsupportedVersion {
        api_key: ApiKey::ApiVersions,
        api_version: 99,
        correlation_id: 12,
    };
    assert_eq!(refused, Err(expected));

    let error_code = ErrorCode::UnsupportedVersion;
    let answer = ApiVersionsResponse {
        error_code,
        ..Default::default()
    };
    let frame = unframe(encode_response(0, 12, &answer).unwrap());
    assert_eq!(frame, &b"\0\0\0\x0c\0\x23\0\0\0\0"[..]);
}

#[test]
fn what_cannot_be_decoded_says_whether_it_can_be_answered() {
    let unknown = RequestError::UnknownApi {
        api_key: 700,
        api_version: 1,
        correlation_id: 9,
    };
    let frame = Bytes::from_static(b"\x02\xbc\0\x01\0\0\0\x09\xff\xff");
    assert_eq!(decode_request(&frame), Err(unknown));
    let unserved = RequestError::UnknownApi {
        api_key: 7,
        api_version: 0,
        correlation_id: 9,
    };
    let frame = Bytes::from_static(b"\0\x07\0\0\0\0\0\x09");
    assert_eq!(decode_request(&frame), Err(unserved));

    let short = DecodeError::Truncated {
        at: 4,
        needed: 4,
        remaining: 3,
    };
    let frame = Bytes::from_static(b"\0\x12\0\0\0\0\0");
    assert_eq!(decode_request(&frame), Err(RequestError::Header(short)));

    let body = HeartbeatRequest::default();
    let frame = unframe(encode_request(0, 5, None, &body).unwrap());
    let frame = frame.slice(..frame.len() - 1);
    let error = DecodeError::Truncated {
        at: 16,
        needed: 2,
        remaining: 1,
    };
    let malformed = RequestError::Body {
        api_key: ApiKey::Heartbeat,
        api_version: 0,
        correlation_id: 5,
        error,
    };
    assert_eq!(decode_request(&frame), Err(malformed));
}

#[test]
fn bytes_after_a_request_are_counted_and_passed_over() {
    let mut frame =
        unframe(encode_request(0, 5, None, &HeartbeatRequest::default()).unwrap()).to_vec();
    frame.extend_from_slice(b"more");
    assert_eq!(
        decode_request(&Bytes::from(frame)).map(|request| request.trailing),
        Ok(4)
    );
}
