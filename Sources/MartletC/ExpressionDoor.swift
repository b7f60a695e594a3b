public import CMartlet
import MartletArrow
import MartletBase
import MartletCompute
import MartletPython

// martlet.h, "compute": expressions.

final class ExpressionHandle {
    let expression: Expression
    init(_ expression: Expression) { self.expression = expression }
}

@_cdecl("martlet_expression_field")
public func expressionField(
    _ path: UnsafePointer<UnsafePointer<CChar>?>?, _ pathLength: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        guard let path = try texts(path, pathLength, "path"), !path.isEmpty else { throw .invalid("path is empty") }
        try give(ExpressionHandle(.field(path)), to: out)
    }
}

@_cdecl("martlet_expression_reference")
public func expressionReference(
    _ names: UnsafePointer<UnsafePointer<CChar>?>?, _ positions: UnsafePointer<Int64>?, _ length: Int64,
    _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        guard let names, let positions, length > 0 else { throw .invalid("names, positions or steps are missing") }
        var steps: [FieldStep] = []
        for i in 0..<(try Int(size: length, "length")) {
            steps.append(
                names[i] == nil ? .position(Int(positions[i])) : .name(try requiredText(names[i], "names")))
        }
        try give(ExpressionHandle(.field(steps)), to: out)
    }
}

@_cdecl("martlet_expression_literal")
public func expressionLiteral(_ scalar: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let data = try object(scalar, ArrayHandle.self).data
        guard data.count == 1 else { throw .invalid("a literal is an array of length 1, not \(data.count)") }
        try give(ExpressionHandle(.literal(data)), to: out)
    }
}

@_cdecl("martlet_expression_call")
public func expressionCall(
    _ name: UnsafePointer<CChar>?, _ arguments: UnsafePointer<OpaquePointer?>?, _ argumentCount: Int64,
    _ valueSet: OpaquePointer?, _ type: OpaquePointer?, _ options: UnsafePointer<martlet_option>?,
    _ optionCount: Int64, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        var options = try Options(options, optionCount)
        var values: ArrayData?
        if let valueSet { values = try object(valueSet, ArrayHandle.self).data }
        let call = try Expression.call(
            try requiredText(name, "name"),
            arguments: try objects(arguments, argumentCount, ExpressionHandle.self).map(\.expression),
            options: options.takeAll(), type: try optionalField(type)?.type, valueSet: values)
        try give(ExpressionHandle(call), to: out)
    }
}

@_cdecl("martlet_expression_evaluate")
public func expressionEvaluate(
    _ expression: OpaquePointer?, _ batch: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?
) -> Int32 {
    guarded(error) { () throws(MartletError) in
        let expression = try object(expression, ExpressionHandle.self).expression
        try give(ArrayHandle(try expression.evaluate(try object(batch, ArrayHandle.self).batch())), to: out)
    }
}

@_cdecl("martlet_expression_to_string")
public func expressionToString(_ expression: OpaquePointer?, _ out: HandleOut?, _ error: ErrorOut?) -> Int32 {
    guarded(error) { () throws(MartletError) in
        try give(try object(expression, ExpressionHandle.self).expression.description, to: out)
    }
}

@_cdecl("martlet_expression_release")
public func expressionRelease(_ expression: OpaquePointer?) { release(expression, ExpressionHandle.self) }
