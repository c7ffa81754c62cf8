use super::{MODULES, configure_arguments, missing};
use crate::config::{directives_markdown, tables};
use nginx_conf::{Context, Support};

#[test]
fn what_v_declares_missing_is_what_the_documentation_says() {
    let tables = tables();
    let arguments = configure_arguments(&tables);
    let text = directives_markdown();
    let documented = |name: &str| text.contains(&format!("\n| `{name}` | `"));
    for module in MODULES {
        let has = |flag: &str| arguments.contains(&format!("--{flag}-{}", module.name));
        let declared_missing = if module.standard {
            has("without")
        } else {
            !has("with")
        };
        // What stands inside of a block that is missing cannot be declared by itself.
        let inside_missing = module.name.starts_with("stream_") && !has_stream(&arguments);
        assert_eq!(
            declared_missing || inside_missing,
            documented(module.name),
            "{}",
            module.name
        );
        let works = |context: &Context| {
            let spec = tables.find(module.spec.name, *context);
            spec.is_some_and(|spec| spec.support == Support::Works)
        };
        let refused = !module.spec.contexts.iter().any(works);
        assert!(
            refused == documented(module.name) || inside_missing,
            "{}",
            module.name
        );
    }
    let listed = missing(&tables).count();
    assert_eq!(text.matches("_module` | `").count() + beside(&text), listed);
}

fn has_stream(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| argument == "--with-stream")
}

/// The modules whose names do not end as all others do.
fn beside(text: &str) -> usize {
    let names = ["http-cache", "mail", "stream"];
    let rows = names
        .iter()
        .filter(|name| text.contains(&format!("\n| `{name}` | `")));
    rows.count()
}

#[test]
fn every_module_is_known_by_a_directive_of_the_tables() {
    let tables = tables();
    for module in MODULES {
        let known = |context: &Context| tables.find(module.spec.name, *context).is_some();
        assert!(module.spec.contexts.iter().any(known), "{}", module.name);
    }
}
