public import MartletBase

/// What the metadata of GeoArrow's extension types (GeoArrow, "Extension metadata") says to formats that have types of
/// their own for geometries.
public struct GeoArrowMetadata: Sendable, Hashable {
    /// How the edges between vertices run; `planar` where nothing is said.
    public enum Edges: String, Sendable, Hashable, CaseIterable {
        case planar, spherical, vincenty, thomas, andoyer, karney
    }

    public var edges = Edges.planar
    /// The coordinate reference system: a name as it is, PROJJSON as its text; nil where nothing is said, and for longitude and
    /// latitude (OGC:CRS84, EPSG:4326), which are what is meant where nothing is said.
    public var crs: String?

    /// Throws `invalid` for metadata that is neither empty nor what GeoArrow defines.
    public init(_ metadata: [UInt8]) throws(MartletError) {
        if metadata.isEmpty { return }
        let value = try adding(context: "GeoArrow metadata") { () throws(MartletError) in try JSONValue(metadata) }
        guard case .object = value else { throw .invalid("GeoArrow metadata must be a JSON object") }
        switch value["edges"] {
        case nil, .null: break
        case .text(let name):
            guard let known = Edges(rawValue: name) else {
                throw .invalid(
                    "Unsupported GeoArrow edge type: '\(name)'; there are "
                        + Edges.allCases.map(\.rawValue).joined(separator: ", "))
            }
            edges = known
        case let other?: throw .invalid("GeoArrow metadata: 'edges' must be a text, not \(other.text)")
        }
        switch value["crs"] {
        case nil, .null: break
        case .text(let name): crs = ["", "OGC:CRS84", "EPSG:4326"].contains(name) ? nil : name
        case .object(let members)?:
            let system = JSONValue.object(members)
            switch (system["id"]?["authority"], system["id"]?["code"]) {
            case (.text("OGC"), .text("CRS84")), (.text("EPSG"), .text("4326")), (.text("EPSG"), .integer(4326)): break
            case (_, _): crs = system.text
            }
        case let other?: throw .invalid("GeoArrow metadata: 'crs' must be a text or PROJJSON, not \(other.text)")
        }
    }
}

extension JSONValue {
    /// The value as JSON, without spaces.
    var text: String {
        switch self {
        case .null: "null"
        case .flag(let flag): flag ? "true" : "false"
        case .integer(let number): "\(number)"
        case .number(let digits): digits
        case .text(let text): Self.quoted(text)
        case .list(let items): "[" + items.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\(Self.quoted($0.name)):\($0.value.text)" }.joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\u{0}"..<" ":
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            case _: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
