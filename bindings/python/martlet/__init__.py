"""Apache Arrow and Parquet with pyarrow's names, on an engine without dependencies: `import martlet as pa`."""

__version__ = "0.1.0"
