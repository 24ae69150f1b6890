"""Reports: what was found, as pages, text, data and figures.

analysis -> document (all wording, plain data) -> formats/terminal
              -> page (what paper says besides) -> formats/html_report, formats/markdown_report
         -> formats/json_report, csv_report, parquet_report
         -> figures (timelines) -> formats/image_report
         -> formats/evidence_capture (the evidence packets)
"""
