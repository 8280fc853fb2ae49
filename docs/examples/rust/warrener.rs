// SPDX-License-Identifier: Apache-2.0

//! Warrener's handler ABI 1.0 in Rust, with nothing but std: the structs of `<warrener/handler.h>` in C
//! layout, and a thin skin over the table of functions. Copy it beside your handler.

#![allow(dead_code)]

use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr::null;

/// Borrowed bytes. What the host gives is never null.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text {
    pub at: *const c_char,
    pub len: usize,
}

impl Text {
    pub const NONE: Text = Text { at: null(), len: 0 };

    pub fn of(text: &str) -> Text {
        Text { at: text.as_ptr() as *const c_char, len: text.len() }
    }

    /// A copy; what is not UTF-8 becomes U+FFFD.
    pub fn to_string(self) -> String {
        if self.len == 0 {
            return String::new();
        }
        let bytes = unsafe { std::slice::from_raw_parts(self.at as *const u8, self.len) };
        String::from_utf8_lossy(bytes).into_owned()
    }
}

#[repr(C)]
pub struct Message {
    pub body: Text,
    pub id: Text,
    pub kind: Text, // `type` in C
    pub queue: Text,
    pub exchange: Text,
    pub routing_key: Text,
    pub content_type: Text,
    pub content_encoding: Text,
    pub correlation_id: Text,
    pub reply_to: Text,
    pub app_id: Text,
    pub user_id: Text,
    pub timestamp_ms: i64,
    pub attempt: u32,
    pub priority: u8,
    pub redelivered: bool,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub enum Verdict {
    Done,
    Retry,
    Reject,
    Wait,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub enum Type {
    Bool,
    Int2,
    Int4,
    Int8,
    Float8,
    Numeric,
    Text,
    Bytea,
    Uuid,
    Date,
    Timestamp,
    Timestamptz,
    Inet,
    Jsonb,
    TextArray,
    Int8Array,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub enum Conflict {
    Keep,
    Merge,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub enum Merge {
    Last,
    First,
    Sum,
    Min,
    Max,
    Fill,
}

#[repr(C)]
pub struct Column {
    pub name: *const c_char,
    pub kind: Type,
    pub merge: Merge,
    pub cast: *const c_char, // `as` in C
}

#[repr(C)]
pub struct Sink {
    pub table: *const c_char,
    pub columns: *const Column,
    pub key: *const c_char,
    pub on_conflict: Conflict,
    pub once: bool,
    pub newest_by: *const c_char,
    pub sql: *const c_char,
    pub cache_key: *const c_char,
    pub cache_value: *const c_char,
    pub cache_ttl_s: u32,
    pub cache_around: bool,
}

#[repr(C)]
pub struct Loader {
    pub name: *const c_char,
    pub cache_key: *const c_char,
    pub sql: *const c_char,
    pub ttl_s: u32,
    pub absent_ttl_s: u32,
    pub guards: *const c_char,
}

#[repr(C)]
pub struct HandlerOption {
    pub name: *const c_char,
    pub fallback: *const c_char, // null: required
    pub help: *const c_char,
}

#[repr(C)]
pub struct Counter {
    pub name: *const c_char,
    pub help: *const c_char,
}

// Each list ends with one of these.
impl Column {
    pub const END: Column = Column { name: null(), kind: Type::Bool, merge: Merge::Last, cast: null() };
}
impl Sink {
    pub const END: Sink = Sink {
        table: null(),
        columns: null(),
        key: null(),
        on_conflict: Conflict::Keep,
        once: false,
        newest_by: null(),
        sql: null(),
        cache_key: null(),
        cache_value: null(),
        cache_ttl_s: 0,
        cache_around: false,
    };
}
impl HandlerOption {
    pub const END: HandlerOption = HandlerOption { name: null(), fallback: null(), help: null() };
}
impl Counter {
    pub const END: Counter = Counter { name: null(), help: null() };
}

#[repr(C)]
pub struct Host {
    api: *const Api,
}

/// One message in the handler's hands.
#[repr(C)]
pub struct Job {
    api: *const Api,
}

type Unused = *const c_void; // declared when it is wanted: only its place matters

#[repr(C)]
struct Api {
    size: u32,
    abi_major: u32,
    abi_minor: u32,
    row: unsafe extern "C" fn(*mut Job, u32),
    row_delete: unsafe extern "C" fn(*mut Job, u32),
    put_bool: unsafe extern "C" fn(*mut Job, bool),
    put_int: unsafe extern "C" fn(*mut Job, i64),
    put_float: unsafe extern "C" fn(*mut Job, f64),
    put_text: unsafe extern "C" fn(*mut Job, Text),
    put_uuid: unsafe extern "C" fn(*mut Job, Text),
    put_time_us: unsafe extern "C" fn(*mut Job, i64),
    put_date: unsafe extern "C" fn(*mut Job, i32),
    put_texts: Unused,
    put_ints: Unused,
    put_null: unsafe extern "C" fn(*mut Job),
    cache_set: unsafe extern "C" fn(*mut Job, Text, Text, u64, u32),
    cache_drop: unsafe extern "C" fn(*mut Job, Text, u64),
    publish: Unused,
    reply: Unused,
    want: Unused,
    got: Unused,
    json_text: unsafe extern "C" fn(*mut Job, *const c_char) -> Text,
    json_int: unsafe extern "C" fn(*mut Job, *const c_char) -> i64,
    json_float: unsafe extern "C" fn(*mut Job, *const c_char) -> f64,
    json_bool: unsafe extern "C" fn(*mut Job, *const c_char) -> bool,
    json_time_us: unsafe extern "C" fn(*mut Job, *const c_char) -> i64,
    json_raw: unsafe extern "C" fn(*mut Job, *const c_char) -> Text,
    json_has: unsafe extern "C" fn(*mut Job, *const c_char) -> bool,
    json_count: Unused,
    json_enter: Unused,
    json_leave: Unused,
    json_open: Unused,
    header: Unused,
    alloc: Unused,
    cstr: Unused,
    uuid_of: Unused,
    fail: unsafe extern "C" fn(*mut Job, Text),
    because: unsafe extern "C" fn(*mut Job, Text),
    code: Unused,
    count: unsafe extern "C" fn(*mut Job, u32, u64),
    log: Unused,
    now_us: unsafe extern "C" fn(*mut Job) -> i64,
    left_ms: unsafe extern "C" fn(*mut Job) -> i64,
    option: unsafe extern "C" fn(*mut Host, *const c_char) -> *const c_char,
    open_because: unsafe extern "C" fn(*mut Host, Text),
}

#[repr(C)]
pub struct Handler {
    pub size: u32,
    pub abi_major: u32,
    pub abi_minor: u32,
    pub sink_size: u16,
    pub column_size: u16,
    pub loader_size: u16,
    pub option_size: u16,
    pub counter_size: u16,
    pub name: *const c_char,
    pub version: *const c_char,
    pub about: *const c_char,
    pub sinks: *const Sink,
    pub loaders: *const Loader,
    pub options: *const HandlerOption,
    pub counters: *const Counter,
    pub open: Option<unsafe extern "C" fn(*mut Host, *mut *mut c_void) -> bool>,
    pub prepare: Option<unsafe extern "C" fn(*mut c_void, *mut Job, *const Message)>,
    pub handle: Option<unsafe extern "C" fn(*mut c_void, *mut Job, *const Message) -> Verdict>,
    pub close: Option<unsafe extern "C" fn(*mut c_void)>,
}

impl Handler {
    /// What WR_HANDLER fills in; give the rest with `..Handler::NEW`.
    pub const NEW: Handler = Handler {
        size: std::mem::size_of::<Handler>() as u32,
        abi_major: 1,
        abi_minor: 0,
        sink_size: std::mem::size_of::<Sink>() as u16,
        column_size: std::mem::size_of::<Column>() as u16,
        loader_size: std::mem::size_of::<Loader>() as u16,
        option_size: std::mem::size_of::<HandlerOption>() as u16,
        counter_size: std::mem::size_of::<Counter>() as u16,
        name: null(),
        version: null(),
        about: null(),
        sinks: null(),
        loaders: null(),
        options: null(),
        counters: null(),
        open: None,
        prepare: None,
        handle: None,
        close: None,
    };
}

// Declarations are read only, by anybody.
unsafe impl Sync for Column {}
unsafe impl Sync for Sink {}
unsafe impl Sync for Loader {}
unsafe impl Sync for HandlerOption {}
unsafe impl Sync for Counter {}
unsafe impl Sync for Handler {}

/// A static text for declarations and names of fields: `c("user_id\0")`.
pub const fn c(text: &'static str) -> *const c_char {
    assert!(text.as_bytes()[text.len() - 1] == 0, "it ends with \\0");
    text.as_ptr() as *const c_char
}

macro_rules! calls {
    ($($name:ident($($value:ident: $type:ty),*) $(-> $back:ty)?;)*) => {
        $(pub fn $name(&mut self $(, $value: $type)*) $(-> $back)? {
            unsafe { ((*self.api).$name)(self $(, $value)*) }
        })*
    };
}

impl Job {
    calls! {
        row(sink: u32);
        row_delete(sink: u32);
        put_bool(value: bool);
        put_int(value: i64);
        put_float(value: f64);
        put_text(value: Text);
        put_uuid(value: Text);
        put_time_us(unix_us: i64);
        put_date(unix_day: i32);
        put_null();
        cache_set(key: Text, value: Text, version: u64, ttl_s: u32);
        cache_drop(key: Text, version: u64);
        json_text(field: *const c_char) -> Text;
        json_int(field: *const c_char) -> i64;
        json_float(field: *const c_char) -> f64;
        json_bool(field: *const c_char) -> bool;
        json_time_us(field: *const c_char) -> i64;
        json_raw(field: *const c_char) -> Text;
        json_has(field: *const c_char) -> bool;
        fail(why: Text);
        because(why: Text);
        count(counter: u32, n: u64);
        now_us() -> i64;
        left_ms() -> i64;
    }
}

impl Host {
    calls! {
        open_because(why: Text);
    }

    /// Of a declared option.
    pub fn option(&mut self, name: *const c_char) -> &str {
        let value = unsafe { std::ffi::CStr::from_ptr(((*self.api).option)(self, name)) };
        value.to_str().unwrap_or("")
    }
}

/// Runs what handles a message; a panic must not leave the handler, and becomes the message's fault.
pub fn guarded(job: *mut Job, what: impl FnOnce(&mut Job) -> Verdict) -> Verdict {
    match catch_unwind(AssertUnwindSafe(|| what(unsafe { &mut *job }))) {
        Ok(verdict) => verdict,
        Err(_) => {
            unsafe { (*job).fail(Text::of("the handler panicked")) };
            Verdict::Reject
        }
    }
}
