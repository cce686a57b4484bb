-- One row per title and week from the raw rows of deliveries, for tables that outgrow one machine.
-- BOOK_FORECAST_BIGQUERY_QUERY=conf/bigquery/weekly_sales.sql makes ingest read its result.
--
-- The rules are those of ingest (docs/data.md): weeks end on a Saturday, rows of one delivery add
-- up, a later delivery replaces, returns count negative. A row without an ISBN, a date or a volume
-- passes as it is, and ingest rejects it with the reason. What SQL cannot do is in docs/cloud.md.
--
-- Parameters: since, the first day; last_day, the weekday on which the source's weeks end (0 is
-- Monday, 5 Saturday); copies, 'drop' if rows that are equal in all columns are copies, or 'add'.
WITH
  -- Correct the names of the columns here; CAST(NULL AS STRING) and CAST(NULL AS FLOAT64) stand for
  -- those that the table lacks. A delivery is what grows: a date, a time of loading, an INT64.
  raw AS (
    SELECT
      ISBN AS isbn_text,
      End_Date AS day,
      CAST(Volume AS FLOAT64) AS copies,
      CAST(Value AS FLOAT64) AS value_text,
      CAST(ASP AS FLOAT64) AS asp_text,
      CAST(RRP AS FLOAT64) AS rrp_text,
      Title AS title,
      Author AS author,
      Binding AS binding,
      Imprint AS imprint,
      Publisher_Group AS publisher_group,
      Product_Class AS product_class,
      Transaction_Type AS transaction_type,
      Delivery AS delivery
    FROM ${sales_table}
    WHERE End_Date >= @since OR End_Date IS NULL
  ),
  -- Equal rows are numbered; floats cannot be compared in a window, so their texts are.
  numbered AS (
    SELECT
      *,
      ROW_NUMBER() OVER (
        PARTITION BY
          isbn_text, day, CAST(copies AS STRING), CAST(value_text AS STRING),
          CAST(asp_text AS STRING), CAST(rrp_text AS STRING), title, author, binding, imprint,
          publisher_group, product_class, transaction_type, delivery
        ORDER BY isbn_text
      ) AS copy
    FROM raw
  ),
  -- The digits name a title, however they are written.
  named AS (
    SELECT
      *,
      CASE
        WHEN LENGTH(REGEXP_REPLACE(UPPER(isbn_text), r'[^0-9X]', '')) IN (10, 13)
          THEN REGEXP_REPLACE(UPPER(isbn_text), r'[^0-9X]', '')
        ELSE TRIM(isbn_text)
      END AS isbn,
      -- The end of the source's week, and from there to the nearest Saturday. 1900 began on a Monday.
      CAST(DATE_ADD(
        day,
        INTERVAL (
          MOD(@last_day - MOD(DATE_DIFF(day, DATE '1900-01-01', DAY), 7) + 7, 7)
          + CASE @last_day WHEN 0 THEN -2 WHEN 1 THEN -3 ELSE 5 - @last_day END
        ) DAY
      ) AS DATE) AS week,
      CASE
        WHEN copies > 0 AND REGEXP_CONTAINS(
          LOWER(TRIM(COALESCE(transaction_type, ''))),
          r'^(?:(sales? )?(returns?|returned|refunds?|refunded|credits?|credit notes?)|retouren?|rücksendung|rückgaben?|remission(en)?|gutschrift|retours?|devoluci(ó|o)n(es)?|resi|reso)$'
        ) THEN -copies
        ELSE copies
      END AS volume
    FROM numbered
    WHERE copy = 1 OR @copies = 'add'
  ),
  usable AS (
    SELECT
      *,
      CASE
        WHEN ABS(value_text) > 1e12 THEN NULL
        WHEN volume < 0 THEN -ABS(value_text)
        WHEN value_text < 0 THEN NULL
        ELSE value_text
      END AS value_given,
      CASE WHEN asp_text > 0 AND asp_text <= 1e12 THEN asp_text END AS asp_given,
      CASE WHEN rrp_text > 0 AND rrp_text <= 1e12 THEN rrp_text END AS rrp
    FROM named
    WHERE isbn <> '' AND day IS NOT NULL AND volume IS NOT NULL
  ),
  latest AS (
    SELECT
      *,
      COALESCE(value_given, asp_given * volume) AS value,
      COALESCE(
        asp_given, CASE WHEN volume > 0 AND value_given > 0 THEN value_given / volume END
      ) AS asp
    FROM usable
    WHERE TRUE
    QUALIFY DENSE_RANK() OVER (PARTITION BY isbn, week ORDER BY delivery DESC) = 1
  ),
  sums AS (
    SELECT
      isbn,
      week,
      COUNT(*) AS n_rows,
      COUNTIF(value IS NULL) AS n_without_value,
      SUM(volume) AS volume,
      SUM(value) AS value,
      -- Prices of several rows: value by volume, or the mean of their prices by volume.
      SUM(asp * volume) AS asp_by_volume,
      SUM(CASE WHEN asp IS NOT NULL THEN volume ELSE 0 END) AS asp_volume,
      AVG(asp) AS asp_mean,
      SUM(rrp * volume) AS rrp_by_volume,
      SUM(CASE WHEN rrp IS NOT NULL THEN volume ELSE 0 END) AS rrp_volume,
      AVG(rrp) AS rrp_mean,
      MAX(NULLIF(TRIM(title), '')) AS title,
      MAX(NULLIF(TRIM(author), '')) AS author,
      MAX(NULLIF(TRIM(binding), '')) AS binding,
      MAX(NULLIF(TRIM(imprint), '')) AS imprint,
      MAX(NULLIF(TRIM(publisher_group), '')) AS publisher_group,
      MAX(NULLIF(TRIM(product_class), '')) AS product_class
    FROM latest
    GROUP BY isbn, week
  )
SELECT
  isbn AS ISBN, week AS End_Date, volume AS Volume, value AS Value,
  CASE
    WHEN n_rows = 1 THEN asp_mean
    WHEN volume > 0 AND value > 0 THEN value / volume
    WHEN asp_volume > 0 THEN asp_by_volume / asp_volume
    ELSE asp_mean
  END AS ASP,
  CASE
    WHEN n_rows > 1 AND rrp_volume > 0 THEN rrp_by_volume / rrp_volume
    ELSE rrp_mean
  END AS RRP,
  title AS Title, author AS Author, binding AS Binding, imprint AS Imprint,
  publisher_group AS Publisher_Group, product_class AS Product_Class
FROM sums
WHERE n_rows = 1 OR n_without_value = 0
UNION ALL
-- A sum in which one value is unknown would be too small: ingest adds up such rows itself.
SELECT
  latest.isbn, latest.week, latest.volume, latest.value, latest.asp, latest.rrp, latest.title,
  latest.author, latest.binding, latest.imprint, latest.publisher_group, latest.product_class
FROM latest
INNER JOIN sums ON latest.isbn = sums.isbn AND latest.week = sums.week
WHERE sums.n_rows > 1 AND sums.n_without_value > 0
UNION ALL
SELECT
  isbn_text, day, volume, value_text, asp_text, rrp_text, title, author, binding, imprint,
  publisher_group, product_class
FROM named
WHERE isbn IS NULL OR isbn = '' OR day IS NULL OR volume IS NULL
