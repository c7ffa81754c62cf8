//! `topic` and `group` against a broker of canned answers, and against servers that are none.

use crate::broker::{start, start_saying, start_two};
use crate::{Run, mainstay};

fn check(server: &str, args: &[&str], code: i32, stdout: &str, stderr: &str) {
    let mut all = args.to_vec();
    all.extend(["--server", server]);
    let expected = Run {
        code: Some(code),
        stdout: stdout.into(),
        stderr: stderr.replace("SERVER", server),
    };
    assert_eq!(mainstay(&all), expected, "{args:?}");
}

#[test]
fn topics_are_listed_and_described() {
    let server = start();
    check(
        &server,
        &["topic", "list"],
        0,
        "topic   partitions\norders  2\n",
        "",
    );
    check(
        &server,
        &["topic", "list", "--json"],
        0,
        "[{\"name\":\"orders\",\"partitions\":2,\"internal\":false}]\n",
        "",
    );
    check(
        &server,
        &["topic", "describe", "orders"],
        0,
        "\
topic orders  id AAAAAAAAAAAAAAAAAAAAAQ  partitions 2
partition  leader  epoch  replicas  in sync  earliest  latest
0          7       3      7         7        2         10
1          -1      3      7         7        -         -
config        value  set by
retention.ms  60000  topic
",
        "",
    );
    check(
        &server,
        &["topic", "describe", "orders", "--json"],
        0,
        "[{\"name\":\"orders\",\"id\":\"AAAAAAAAAAAAAAAAAAAAAQ\",\"internal\":false,\"partitions\":[\
         {\"partition\":0,\"leader\":7,\"leader_epoch\":3,\"replicas\":[7],\"in_sync_replicas\":[7],\"earliest_offset\":2,\"latest_offset\":10},\
         {\"partition\":1,\"leader\":-1,\"leader_epoch\":3,\"replicas\":[7],\"in_sync_replicas\":[7],\"earliest_offset\":null,\"latest_offset\":null}],\
         \"configs\":[{\"name\":\"retention.ms\",\"value\":\"60000\",\"source\":\"topic\"},{\"name\":\"flush.ms\",\"value\":\"1\",\"source\":\"default\"}]}]\n",
        "",
    );
    check(
        &server,
        &["topic", "describe", "gone"],
        1,
        "",
        "mainstay: gone: UNKNOWN_TOPIC_OR_PARTITION (3)\n",
    );
}

#[test]
fn topics_are_created_changed_and_deleted() {
    let server = start();
    let create = [
        "topic",
        "create",
        "new",
        "--partitions",
        "3",
        "--config",
        "retention.ms=1",
    ];
    check(&server, &create, 0, "created new\n", "");
    check(
        &server,
        &["topic", "create", "new", "--json"],
        0,
        "{\"created\":[\"new\"]}\n",
        "",
    );
    check(
        &server,
        &["topic", "create", "orders"],
        1,
        "",
        "mainstay: orders: TOPIC_ALREADY_EXISTS (36): it is \\u{1b}[31mthere\\n\n",
    );
    check(
        &server,
        &["topic", "create", "new", "--config", "bogus=1"],
        1,
        "",
        "mainstay: new: INVALID_CONFIG (40)\n",
    );
    check(
        &server,
        &["topic", "create", "new", "--config", "bogus"],
        2,
        "",
        "mainstay: --config bogus: expected NAME=VALUE\n",
    );
    check(
        &server,
        &["topic", "add-partitions", "orders", "--total", "4"],
        0,
        "changed orders\n",
        "",
    );
    check(
        &server,
        &["topic", "add-partitions", "orders", "--total", "2"],
        1,
        "",
        "mainstay: orders: INVALID_PARTITIONS (37)\n",
    );
    check(
        &server,
        &["topic", "delete", "gone", "orders"],
        1,
        "deleted orders\n",
        "mainstay: gone: UNKNOWN_TOPIC_OR_PARTITION (3)\n",
    );
}

#[test]
fn groups_are_listed_and_described_with_their_lag() {
    let server = start();
    check(
        &server,
        &["group", "list"],
        0,
        "group    state   type      coordinator\nreaders  Stable  consumer  7\n",
        "",
    );
    check(
        &server,
        &["group", "describe", "readers"],
        0,
        "\
group readers  state Stable  protocol range  coordinator 7
member  instance  client  host        assigned
m-1     -         app     /127.0.0.1  2
topic   partition  committed  latest  lag  member
orders  0          4          10      6    m-1
orders  1          -          -       -    m-1
",
        "",
    );
    check(
        &server,
        &["group", "describe", "readers", "--json"],
        0,
        "[{\"group\":\"readers\",\"state\":\"Stable\",\"protocol_type\":\"consumer\",\"protocol\":\"range\",\"coordinator\":7,\
         \"members\":[{\"member_id\":\"m-1\",\"instance_id\":null,\"client_id\":\"app\",\"host\":\"/127.0.0.1\",\"assignment\":{\"orders\":[0,1]}}],\
         \"offsets\":[\
         {\"topic\":\"orders\",\"partition\":0,\"committed_offset\":4,\"latest_offset\":10,\"lag\":6,\"metadata\":null,\"member_id\":\"m-1\"},\
         {\"topic\":\"orders\",\"partition\":1,\"committed_offset\":null,\"latest_offset\":null,\"lag\":null,\"metadata\":null,\"member_id\":\"m-1\"}]}]\n",
        "",
    );
    check(
        &server,
        &["group", "describe", "moving"],
        1,
        "",
        "mainstay: moving: COORDINATOR_NOT_AVAILABLE (15) (trying again may help)\n",
    );
}

#[test]
fn every_broker_of_a_cluster_is_asked_for_its_groups() {
    let text = "\
group    state   type      coordinator
others   Stable  consumer  8
readers  Stable  consumer  7
";
    check(&start_two(), &["group", "list"], 0, text, "");
}

#[test]
fn servers_that_are_no_brokers_are_told_apart() {
    let list = ["topic", "list"];
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    check(
        &nobody.to_string(),
        &list,
        1,
        "",
        "mainstay: cannot reach SERVER: Connection refused (os error 111); is the server up? (--server ADDR)\n",
    );
    let bad_port = mainstay(&["topic", "list", "--server", "localhost:x"]);
    assert_eq!(bad_port.code, Some(1));
    assert!(
        bad_port
            .stderr
            .starts_with("mainstay: \"localhost:x\": expected HOST:PORT"),
        "{bad_port:?}"
    );
    check(
        &start_saying(b""),
        &list,
        1,
        "",
        "mainstay: SERVER did not answer ApiVersionsRequest: it closed the connection\n",
    );
    check(
        &start_saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        &list,
        1,
        "",
        "mainstay: SERVER did not answer ApiVersionsRequest: it announced more than 104857600 bytes, which is not Kafka's protocol\n",
    );
    check(
        &start_saying(b"\0\0\0\x08\0\0\0\x01"),
        &list,
        1,
        "",
        "mainstay: SERVER did not answer ApiVersionsRequest: it closed the connection\n",
    );
    check(
        &start_saying(b"\0\0\0\x0a\0\0\0\x02\0\0\0\0\0\0"),
        &list,
        1,
        "",
        "mainstay: SERVER answered another request\n",
    );
    let garbage = mainstay(&[
        "topic",
        "list",
        "--server",
        &start_saying(b"\0\0\0\x08\0\0\0\x01\xff\xff\xff\xff"),
    ]);
    assert_eq!(garbage.code, Some(1));
    assert!(
        garbage
            .stderr
            .contains("sent a malformed answer to ApiVersionsRequest"),
        "{garbage:?}"
    );
    // It knows nothing: an empty list of APIs.
    check(
        &start_saying(b"\0\0\0\x0a\0\0\0\x01\0\0\0\0\0\0"),
        &list,
        1,
        "",
        "mainstay: SERVER does not know the request Metadata\n",
    );
}
