//! The `rdkafka` crate in the conformance scenario; `../clients/scenario.py` says what a program must do.

mod consume;
mod produce;
mod scenario;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["produce", bootstrap, topic, codec, first, count] => {
            produce::run(bootstrap, topic, codec, first.parse()?, count.parse()?)
        }
        ["consume", bootstrap, topic, group] => consume::run(bootstrap, topic, group),
        _ => Err("usage: produce BOOTSTRAP TOPIC CODEC FIRST COUNT | consume BOOTSTRAP TOPIC GROUP".into()),
    }
}
