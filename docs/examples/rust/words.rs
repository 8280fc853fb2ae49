// SPDX-License-Identifier: Apache-2.0

//! A handler in Rust: counts the words of texts, one row for each word of a message. Sums cannot be written
//! twice, so the sink is `once`: a message counts once, however often it is delivered.

mod warrener;

use std::collections::BTreeMap;
use std::os::raw::c_void;
use std::ptr::null;

use warrener::*;

static COLUMNS: [Column; 3] = [
    Column { name: c("word\0"), kind: Type::Text, merge: Merge::Last, cast: null() },
    Column { name: c("n\0"), kind: Type::Int8, merge: Merge::Sum, cast: null() },
    Column::END,
];

const WORD: u32 = 0;
static SINKS: [Sink; 2] = [
    Sink {
        table: c("word\0"),
        columns: COLUMNS.as_ptr(),
        key: c("word\0"),
        on_conflict: Conflict::Merge,
        once: true,
        ..Sink::END
    },
    Sink::END,
];

static OPTIONS: [HandlerOption; 2] = [
    HandlerOption {
        name: c("shortest\0"),
        fallback: c("1\0"),
        help: c("letters that a word has at least\0"),
    },
    HandlerOption::END,
];

const COUNTED: u32 = 0;
static COUNTERS: [Counter; 2] =
    [Counter { name: c("words\0"), help: c("words that were counted\0") }, Counter::END];

struct Words {
    shortest: usize,
}

unsafe extern "C" fn open(host: *mut Host, state: *mut *mut c_void) -> bool {
    let host = &mut *host;
    match host.option(c("shortest\0")).parse() {
        Ok(shortest) => {
            *state = Box::into_raw(Box::new(Words { shortest })) as *mut c_void;
            true
        }
        Err(_) => {
            host.open_because(Text::of("the option \"shortest\" is no number"));
            false
        }
    }
}

unsafe extern "C" fn close(state: *mut c_void) {
    drop(Box::from_raw(state as *mut Words));
}

unsafe extern "C" fn handle(state: *mut c_void, job: *mut Job, _: *const Message) -> Verdict {
    let words = &*(state as *const Words);
    guarded(job, |job| words.count(job))
}

impl Words {
    fn count(&self, job: &mut Job) -> Verdict {
        let text = job.json_text(c("text\0")).to_string().to_lowercase();
        let mut counted = BTreeMap::new();
        for word in text.split(|letter: char| !letter.is_alphanumeric()) {
            if !word.is_empty() && word.chars().count() >= self.shortest {
                *counted.entry(word).or_insert(0i64) += 1;
            }
        }
        for (word, n) in &counted {
            job.row(WORD);
            job.put_text(Text::of(word));
            job.put_int(*n);
        }
        job.count(COUNTED, counted.len() as u64);
        Verdict::Done
    }
}

#[no_mangle]
#[allow(non_upper_case_globals)]
pub static warrener_handler: Handler = Handler {
    name: c("words\0"),
    version: c("1.0\0"),
    about: c("counts the words of texts\0"),
    sinks: SINKS.as_ptr(),
    options: OPTIONS.as_ptr(),
    counters: COUNTERS.as_ptr(),
    open: Some(open),
    handle: Some(handle),
    close: Some(close),
    ..Handler::NEW
};
