public import MartletArrow
public import MartletBase

/// One step on the way to a field: its name, or its position among its siblings.
public enum FieldStep: Sendable, Hashable {
    case name(String)
    case position(Int)
}

extension Expression {
    /// The field that steps lead to: by names alone where that is so.
    public static func field(_ steps: [FieldStep]) -> Expression {
        var names: [String] = []
        for step in steps {
            guard case .name(let name) = step else { return .reference(steps) }
            names.append(name)
        }
        return .field(names)
    }

    /// The field by its names alone, as `schema` has them; by its positions where siblings share a name.
    static func field(_ steps: [FieldStep], in schema: Schema) throws(MartletError) -> Expression {
        var names: [String] = []
        var fields = schema.fields
        for step in steps {
            let index = try position(of: step, in: fields, steps)
            let field = fields[index]
            guard fields.count(where: { $0.name == field.name }) == 1 else { return .reference(steps) }
            names.append(field.name)
            if case .struct(let children) = field.type { fields = children } else { fields = [] }
        }
        return .field(names)
    }

    /// The values of the field that steps lead to, null where a struct around it is.
    static func column(_ steps: [FieldStep], _ batch: RecordBatch) throws(MartletError) -> ArrayData {
        var column: ArrayData?
        for step in steps {
            guard let outer = column else {
                column = batch.columns[try position(of: step, in: batch.schema.fields, steps)]
                continue
            }
            guard case .struct(let fields) = outer.type else { throw noMatch(steps, []) }
            column = try flattened(outer, try position(of: step, in: fields, steps))
        }
        guard let column else { throw noMatch(steps, batch.schema.fields) }
        return column
    }

    private static func position(
        of step: FieldStep, in fields: [Field], _ steps: [FieldStep]
    ) throws(MartletError) -> Int {
        let index =
            switch step {
            case .name(let name): fields.firstIndex { $0.name == name }
            case .position(let index): fields.indices.contains(index) ? index : nil
            }
        guard let index else { throw noMatch(steps, fields) }
        return index
    }

    private static func noMatch(_ steps: [FieldStep], _ fields: [Field]) -> MartletError {
        let positions = steps.allSatisfy { if case .position = $0 { true } else { false } }
        let reference = positions || steps.count > 1 ? text(steps) : "Name(\(text(steps)))"
        return .invalid(
            "No match for \(reference.hasPrefix("FieldRef.") ? "" : "FieldRef.")\(reference) in "
                + fields.map(\.summary).joined(separator: ", "))
    }

    /// pyarrow's text of a path: the name alone, `FieldPath(0)`, or the steps one by one.
    static func text(_ steps: [FieldStep]) -> String {
        let positions = steps.compactMap { if case .position(let index) = $0 { String(index) } else { nil } }
        if positions.count == steps.count { return "FieldPath(\(positions.joined(separator: " ")))" }
        if steps.count == 1, case .name(let name) = steps[0] { return name }
        let texts = steps.map { step in
            switch step {
            case .name(let name): "FieldRef.Name(\(name))"
            case .position(let index): "FieldRef.FieldPath(\(index))"
            }
        }
        return "FieldRef.Nested(\(texts.joined(separator: " ")))"
    }
}
