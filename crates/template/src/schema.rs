//! What may be written in a block, told by names and types alone: for components that are known and not built here.

mod check;

pub use check::Written;

/// What the block of a component may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    pub fields: Vec<Field>,
    pub needs: Vec<Need>,
}

/// An argument, or a block inside of the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: &'static str,
    pub shape: Shape,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Its type in the words of HCL2: `list(string)`.
    Argument(&'static str),
    /// It may be written as an argument too, whose value is an object or a list of them.
    Block { is_repeated: bool, fields: Vec<Field> },
}

/// Arguments one of which has to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    pub one_of: Vec<&'static str>,
    /// With any of these it does not have to.
    pub unless: Vec<&'static str>,
}
