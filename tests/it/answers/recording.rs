//! Recordings as files: a line about the whole, one for each chapter, one for each step.

use std::io::{Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::conversation::Step;

/// Steps of one conversation, in a world of names of its own.
pub struct Chapter {
    pub name: String,
    pub steps: Vec<Step>,
}

pub struct Recording {
    about: About,
    pub chapters: Vec<Chapter>,
}

#[derive(Serialize, Deserialize)]
struct About {
    about: String,
    /// Of the broker.
    settings: Map<String, Value>,
    /// Of random steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Chapter { chapter: String },
    Step(Step),
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/answers").join(name)
}

pub fn file(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

impl Recording {
    /// `name.jsonl`, or `name.jsonl.gz` if that is there.
    pub fn load(name: &str) -> Self {
        let packed = path(&format!("{name}.jsonl.gz"));
        let mut text = String::new();
        if packed.exists() {
            let packed = std::fs::File::open(packed).unwrap();
            flate2::read::MultiGzDecoder::new(packed).read_to_string(&mut text).unwrap();
        } else {
            text = file(&format!("{name}.jsonl"));
        }
        let mut lines = text.lines();
        let about = serde_json::from_str(lines.next().unwrap()).unwrap();
        let mut chapters: Vec<Chapter> = Vec::new();
        for line in lines {
            match serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}: {line}")) {
                Line::Chapter { chapter } => chapters.push(Chapter { name: chapter, steps: Vec::new() }),
                Line::Step(step) => chapters.last_mut().unwrap().steps.push(step),
            }
        }
        Self { about, chapters }
    }

    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.about.settings.iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap()))
    }

    pub fn save(&self, name: &str) {
        let mut text = serde_json::to_string(&self.about).unwrap() + "\n";
        for chapter in &self.chapters {
            text += &format!("{}\n", serde_json::to_string(&Line::Chapter { chapter: chapter.name.clone() }).unwrap());
            chapter.steps.iter().for_each(|step| text += &format!("{}\n", serde_json::to_string(step).unwrap()));
        }
        let packed = path(&format!("{name}.jsonl.gz"));
        if packed.exists() {
            let mut encoder = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::best());
            encoder.write_all(text.as_bytes()).unwrap();
            std::fs::write(packed, encoder.finish().unwrap()).unwrap();
        } else {
            std::fs::write(path(&format!("{name}.jsonl")), text).unwrap();
        }
    }
}
