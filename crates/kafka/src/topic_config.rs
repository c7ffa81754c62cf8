//! The settings of topics: Kafka's names, types, defaults and meanings, as one table.
//!
//! Every setting that Kafka 4 knows is accepted, checked and reported; the documentation of one that
//! has nothing to do here says so.

use crate::config::{ConfigSource, ConfigType, Rule};
use crate::settings::{Settings, TimestampType};
use commitlog::Policy;
use std::collections::BTreeMap;

/// One setting.
pub(crate) struct TopicConfig {
    pub(crate) name: &'static str,
    pub(crate) kind: ConfigType,
    pub(crate) default: &'static str,
    /// The broker's setting that holds for topics without one of their own.
    pub(crate) broker_name: &'static str,
    pub(crate) rule: Rule,
    pub(crate) doc: &'static str,
}

/// What the table says of a name.
pub(crate) fn find(name: &str) -> Option<&'static TopicConfig> {
    TOPIC_CONFIGS.iter().find(|config| config.name == name)
}

/// Checks settings by name and value; the error is for people.
pub(crate) fn check<'a>(
    configs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> Result<BTreeMap<String, String>, String> {
    let mut checked = BTreeMap::new();
    for (name, value) in configs {
        let config = find(name).ok_or_else(|| format!("Unknown topic config name: {name}"))?;
        let value =
            value.ok_or_else(|| format!("Null value not supported for topic configs: {name}"))?;
        config.rule.check(value).map_err(|expected| {
            format!("Invalid value {value} for configuration {name}: expected {expected}")
        })?;
        // As with Kafka, the last one holds where a setting is given twice.
        checked.insert(name.to_owned(), value.trim().to_owned());
    }
    Ok(checked)
}

/// The value that holds for topics which do not say otherwise.
pub(crate) fn default_of(config: &TopicConfig, settings: &Settings) -> String {
    let number = |value: Option<u128>| value.map_or("-1".to_owned(), |value| value.to_string());
    match config.name {
        "max.message.bytes" => settings.message_max_bytes.to_string(),
        "message.timestamp.type" => settings.log_message_timestamp_type.name().to_owned(),
        "retention.bytes" => number(settings.log_retention_bytes.map(u128::from)),
        "retention.ms" => number(settings.log_retention.map(|age| age.as_millis())),
        _ => config.default.to_owned(),
    }
}

/// Where that value comes from.
pub(crate) fn default_source(config: &TopicConfig, settings: &Settings) -> ConfigSource {
    if settings.given.contains(config.broker_name) {
        ConfigSource::StaticBroker
    } else {
        ConfigSource::Default
    }
}

/// What of a topic's settings something depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopicSettings {
    /// `max.message.bytes`: the largest batch.
    pub(crate) batch_bytes_max: usize,
    /// `segment.bytes`: the most bytes of one append.
    pub(crate) append_bytes_max: usize,
    /// `message.timestamp.before.max.ms`.
    pub(crate) timestamp_before_ms_max: i64,
    /// `message.timestamp.after.max.ms`.
    pub(crate) timestamp_after_ms_max: i64,
    /// `message.timestamp.type` is `LogAppendTime`.
    pub(crate) log_append_time: bool,
    retention_ms: Option<i64>,
    retention_bytes: Option<u64>,
    /// `cleanup.policy` contains `delete`.
    pub(crate) deletes: bool,
    /// `cleanup.policy` contains `compact`.
    pub(crate) compacts: bool,
}

impl TopicSettings {
    /// What holds for a topic without settings of its own.
    pub(crate) fn defaults(settings: &Settings) -> Self {
        let defaults = Self {
            batch_bytes_max: 0,
            append_bytes_max: 0,
            timestamp_before_ms_max: i64::MAX,
            timestamp_after_ms_max: i64::MAX,
            log_append_time: settings.log_message_timestamp_type == TimestampType::LogAppendTime,
            retention_ms: None,
            retention_bytes: None,
            deletes: true,
            compacts: false,
        };
        TOPIC_CONFIGS.iter().fold(defaults, |so_far, config| {
            so_far.with(config.name, &default_of(config, settings))
        })
    }

    /// These, with a topic's own settings over them.
    pub(crate) fn overridden(self, configs: &BTreeMap<String, String>) -> Self {
        configs
            .iter()
            .fold(self, |so_far, (name, value)| so_far.with(name, value))
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        let bytes = |default: usize| value.parse().unwrap_or(default);
        let ms = |default: i64| value.parse().unwrap_or(default);
        match name {
            "max.message.bytes" => self.batch_bytes_max = bytes(self.batch_bytes_max),
            "segment.bytes" => self.append_bytes_max = bytes(self.append_bytes_max),
            "message.timestamp.before.max.ms" => {
                self.timestamp_before_ms_max = ms(self.timestamp_before_ms_max);
            }
            "message.timestamp.after.max.ms" => {
                self.timestamp_after_ms_max = ms(self.timestamp_after_ms_max);
            }
            "message.timestamp.type" => {
                self.log_append_time = value == TimestampType::LogAppendTime.name();
            }
            "retention.ms" => self.retention_ms = value.parse().ok().filter(|ms| *ms >= 0),
            "retention.bytes" => self.retention_bytes = value.parse().ok(),
            "cleanup.policy" => {
                let contains = |word| value.split(',').any(|policy| policy.trim() == word);
                self.deletes = contains("delete");
                self.compacts = contains("compact");
            }
            _ => {}
        }
        self
    }

    /// What the log has to know of it.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            retention_ms: self.retention_ms.filter(|_| self.deletes),
            retention_bytes: self.retention_bytes.filter(|_| self.deletes),
            log_append_time: self.log_append_time,
        }
    }
}

const INT_MAX: i64 = i32::MAX as i64;
const LONG_MAX: i64 = i64::MAX;

const fn config(
    name: &'static str,
    kind: ConfigType,
    default: &'static str,
    broker_name: &'static str,
    rule: Rule,
    doc: &'static str,
) -> TopicConfig {
    TopicConfig {
        name,
        kind,
        default,
        broker_name,
        rule,
        doc,
    }
}

/// All settings, by name.
#[rustfmt::skip]
pub(crate) static TOPIC_CONFIGS: &[TopicConfig] = {
    use ConfigType::{Boolean, Double, Int, List, Long, String};
    use Rule::{Flag, Ratio, Text, Whole, Word, Words};
    &[
        config("cleanup.policy", List, "delete", "log.cleanup.policy", Words(&["delete", "compact"]),
            "What happens to old records. With compact alone nothing is deleted by age or size; compaction itself does not run yet."),
        config("compression.gzip.level", Int, "-1", "compression.gzip.level", Whole(-1, 9),
            "No effect: batches stay as the producer compressed them."),
        config("compression.lz4.level", Int, "9", "compression.lz4.level", Whole(1, 17),
            "No effect: batches stay as the producer compressed them."),
        config("compression.type", String, "producer", "compression.type",
            Word(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]),
            "No effect: batches stay as the producer compressed them."),
        config("compression.zstd.level", Int, "3", "compression.zstd.level", Whole(-131_072, 22),
            "No effect: batches stay as the producer compressed them."),
        config("delete.retention.ms", Long, "86400000", "log.cleaner.delete.retention.ms", Whole(0, LONG_MAX),
            "No effect yet: how long compaction keeps tombstones."),
        config("file.delete.delay.ms", Long, "60000", "log.segment.delete.delay.ms", Whole(0, LONG_MAX),
            "No effect: files go as soon as nothing refers to them."),
        config("flush.messages", Long, "9223372036854775807", "log.flush.interval.messages", Whole(1, LONG_MAX),
            "No effect: every acknowledgement means that the record is durable."),
        config("flush.ms", Long, "9223372036854775807", "log.flush.interval.ms", Whole(0, LONG_MAX),
            "No effect: every acknowledgement means that the record is durable."),
        config("follower.replication.throttled.replicas", List, "", "follower.replication.throttled.replicas", Text,
            "No effect: redundancy is the storage's."),
        config("index.interval.bytes", Int, "4096", "log.index.interval.bytes", Whole(0, INT_MAX),
            "No effect: every batch is in the index."),
        config("leader.replication.throttled.replicas", List, "", "leader.replication.throttled.replicas", Text,
            "No effect: redundancy is the storage's."),
        config("local.retention.bytes", Long, "-2", "log.local.retention.bytes", Whole(-2, LONG_MAX),
            "No effect: there is no second tier."),
        config("local.retention.ms", Long, "-2", "log.local.retention.ms", Whole(-2, LONG_MAX),
            "No effect: there is no second tier."),
        config("max.compaction.lag.ms", Long, "9223372036854775807", "log.cleaner.max.compaction.lag.ms", Whole(1, LONG_MAX),
            "No effect yet: how long a record may stay out of compaction."),
        config("max.message.bytes", Int, "1048588", "message.max.bytes", Whole(0, INT_MAX),
            "The largest record batch, in bytes, after compression."),
        config("message.downconversion.enable", Boolean, "true", "log.message.downconversion.enable", Flag,
            "No effect: old clients are always served. A setting of Kafka before 4.0."),
        config("message.format.version", String, "3.0-IV1", "log.message.format.version", Text,
            "No effect: records are stored as batches of magic 2, and every client gets what it can read. A setting of Kafka before 4.0."),
        config("message.timestamp.after.max.ms", Long, "3600000", "log.message.timestamp.after.max.ms", Whole(0, LONG_MAX),
            "How far a record's timestamp may be ahead of the broker's clock. No effect with LogAppendTime."),
        config("message.timestamp.before.max.ms", Long, "9223372036854775807", "log.message.timestamp.before.max.ms", Whole(0, LONG_MAX),
            "How far a record's timestamp may be behind the broker's clock. No effect with LogAppendTime."),
        config("message.timestamp.type", String, "CreateTime", "log.message.timestamp.type", Word(&["CreateTime", "LogAppendTime"]),
            "Whether a record carries the producer's time or the time of its append."),
        config("min.cleanable.dirty.ratio", Double, "0.5", "log.cleaner.min.cleanable.ratio", Ratio,
            "No effect yet: when compaction starts."),
        config("min.compaction.lag.ms", Long, "0", "log.cleaner.min.compaction.lag.ms", Whole(0, LONG_MAX),
            "No effect yet: how long a record stays out of compaction."),
        config("min.insync.replicas", Int, "1", "min.insync.replicas", Whole(1, INT_MAX),
            "No effect: redundancy is the storage's, and every acknowledgement means that the record is durable."),
        config("preallocate", Boolean, "false", "log.preallocate", Flag,
            "No effect: all topics share the files of one log."),
        config("remote.log.copy.disable", Boolean, "false", "remote.log.copy.disable", Flag,
            "No effect: there is no second tier."),
        config("remote.log.delete.on.disable", Boolean, "false", "remote.log.delete.on.disable", Flag,
            "No effect: there is no second tier."),
        config("remote.storage.enable", Boolean, "false", "remote.storage.enable", Flag,
            "No effect: there is no second tier."),
        config("retention.bytes", Long, "-1", "log.retention.bytes", Whole(-1, LONG_MAX),
            "How many bytes of each partition are kept; -1 for no limit. Whole batches go, the oldest first."),
        config("retention.ms", Long, "604800000", "log.retention.ms", Whole(-1, LONG_MAX),
            "How long records are kept, in milliseconds; -1 for ever. Whole batches go, by their newest record."),
        config("segment.bytes", Int, "1073741824", "log.segment.bytes", Whole(14, INT_MAX),
            "The most bytes of records that one request can append to a partition. Files are sized by the log."),
        config("segment.index.bytes", Int, "10485760", "log.index.size.max.bytes", Whole(4, INT_MAX),
            "No effect: all topics share the files of one log."),
        config("segment.jitter.ms", Long, "0", "log.roll.jitter.ms", Whole(0, LONG_MAX),
            "No effect: all topics share the files of one log."),
        config("segment.ms", Long, "604800000", "log.roll.ms", Whole(1, LONG_MAX),
            "No effect: all topics share the files of one log."),
        config("unclean.leader.election.enable", Boolean, "false", "unclean.leader.election.enable", Flag,
            "No effect: an acknowledged record is never given up for availability."),
    ]
};

#[cfg(test)]
mod tests {
    use super::{TOPIC_CONFIGS, TopicSettings, check, default_of};
    use crate::settings::Settings;
    use std::collections::BTreeMap;
    use std::time::Duration;

    #[test]
    fn the_table_is_sorted_and_its_defaults_obey_its_rules() {
        assert!(TOPIC_CONFIGS.is_sorted_by_key(|config| config.name));
        for config in TOPIC_CONFIGS {
            assert_eq!(config.rule.check(config.default), Ok(()), "{}", config.name);
            let default = default_of(config, &Settings::default());
            assert_eq!(default, config.default, "{}", config.name);
        }
    }

    #[test]
    fn settings_are_checked() {
        let check = |name, value| check([(name, value)]);
        assert_eq!(
            check("retention.ms", Some(" 5 ")),
            Ok(BTreeMap::from([(
                "retention.ms".to_owned(),
                "5".to_owned()
            )]))
        );
        let twice = [("retention.ms", Some("1")), ("retention.ms", Some("2"))];
        let last = BTreeMap::from([("retention.ms".to_owned(), "2".to_owned())]);
        assert_eq!(super::check(twice), Ok(last));
        for (name, value, part) in [
            ("retention.ms", Some("-2"), "at least -1"),
            ("retention.ms", None, "Null value"),
            ("retention.years", Some("1"), "Unknown topic config name"),
            ("cleanup.policy", Some("burn"), "delete, compact"),
        ] {
            let error = check(name, value).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_topics_own_settings_go_before_the_brokers() {
        let settings = Settings {
            log_retention: Some(Duration::from_secs(1)),
            message_max_bytes: 10,
            ..Settings::default()
        };
        let defaults = TopicSettings::defaults(&settings);
        assert_eq!(defaults.policy().retention_ms, Some(1000));
        assert_eq!(defaults.policy().retention_bytes, None);
        assert_eq!(defaults.batch_bytes_max, 10);
        assert_eq!(defaults.timestamp_after_ms_max, 3_600_000);
        let own = |name: &str, value: &str| {
            defaults.overridden(&BTreeMap::from([(name.to_owned(), value.to_owned())]))
        };
        assert_eq!(own("retention.ms", "-1").policy().retention_ms, None);
        assert_eq!(
            own("retention.bytes", "7").policy().retention_bytes,
            Some(7)
        );
        assert_eq!(own("cleanup.policy", "compact").policy().retention_ms, None);
        assert_eq!(own("max.message.bytes", "99").batch_bytes_max, 99);
        assert!(
            own("message.timestamp.type", "LogAppendTime")
                .policy()
                .log_append_time
        );
    }
}
