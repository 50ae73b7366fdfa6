//! The macros that turn a table of fields, as in Kafka's schema files, into a struct with its encoding.
//!
//! A field may say `[since V]`: in older versions it is not there and reads as its default. Fields in the `tagged` part are
//! written only when they differ from their default, as Kafka does, so that equal values have equal bytes.

/// Declares a metadata record: its type number and the version written at metadata.version 4.3-IV0, which is also the highest read.
macro_rules! record {
    (
        $(#[$doc:meta])*
        $name:ident = $type:literal, version $version:literal {
            $($(#[$field_doc:meta])* $field:ident: $field_type:ty $([since $since:literal])?,)*
        }
        $(tagged { $($(#[$tagged_doc:meta])* $tagged:ident: $tagged_type:ty [tag $tag:literal since $tagged_since:literal],)* })?
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $field_type,)*
            $($($(#[$tagged_doc])* pub $tagged: $tagged_type,)*)?
        }

        impl $name {
            pub const TYPE: u32 = $type;
            pub const VERSION: u32 = $version;

            #[allow(unused_variables, reason = "a record may have no field in some versions")]
            pub(super) fn write_body(&self, version: u32, to: &mut Writer) {
                $($crate::metadata::records::schema::when!([$($since)?] version => self.$field.write(to));)*
                to.tagged_fields([$($((
                    $tag,
                    (($tagged_since..).contains(&version) && self.$tagged != <$tagged_type>::default())
                        .then(|| Writer::apart(|to| self.$tagged.write(to))),
                ),)*)?]);
            }

            #[allow(unused_variables, reason = "a record may have no field in some versions")]
            pub(super) fn read_body(version: u32, from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                $(let $field = $crate::metadata::records::schema::read_when!([$($since)?] version, from, $field_type);)*
                $($(let mut $tagged = <$tagged_type>::default();)*)?
                from.tagged_fields(|tag, value| match tag {
                    $($($tag if ($tagged_since..).contains(&version) => {
                        $tagged = Wire::read(value)?;
                        Ok(true)
                    })*)?
                    _ => Ok(false),
                })?;
                Ok(Self { $($field,)* $($($tagged,)*)? })
            }
        }
    };
}

/// Declares a structure inside a record, the same in all versions.
macro_rules! structure {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$field_doc:meta])* $field:ident: $field_type:ty,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $field_type,)*
        }

        impl Wire for $name {
            fn write(&self, to: &mut Writer) {
                $(self.$field.write(to);)*
                to.no_tagged_fields();
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                $(let $field = Wire::read(from)?;)*
                from.skip_tagged_fields()?;
                Ok(Self { $($field,)* })
            }
        }
    };
}

/// Declares an enum that stands as one signed byte.
macro_rules! byte_enum {
    (
        $(#[$attribute:meta])*
        $name:ident { $($(#[$variant_attribute:meta])* $variant:ident = $value:literal,)* }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
        pub enum $name {
            $($(#[$variant_attribute])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            #[must_use]
            pub const fn code(self) -> i8 {
                match self {
                    $(Self::$variant => $value,)*
                }
            }

            /// `None` for a code that nobody knows.
            #[must_use]
            pub const fn from_code(code: i8) -> Option<Self> {
                match code {
                    $($value => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }

        impl Wire for $name {
            fn write(&self, to: &mut Writer) {
                self.code().write(to);
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let code = i8::read(from)?;
                Self::from_code(code)
                    .ok_or_else(|| DecodeError::Malformed(format!(concat!("{} is no ", stringify!($name)), code)))
            }
        }
    };
}

macro_rules! when {
    ([] $version:ident => $then:expr) => {
        $then
    };
    ([$since:literal] $version:ident => $then:expr) => {
        if $version >= $since {
            $then;
        }
    };
}

macro_rules! read_when {
    ([] $version:ident, $from:ident, $type:ty) => {
        <$type as Wire>::read($from)?
    };
    ([$since:literal] $version:ident, $from:ident, $type:ty) => {
        if $version >= $since { <$type as Wire>::read($from)? } else { <$type>::default() }
    };
}

pub(super) use {byte_enum, read_when, record, structure, when};
